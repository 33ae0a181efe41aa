"""A terminal's recording (asciinema's `.cast` file, version 2) and the animated SVG that plays it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from astrarium.core.errors import ReportError
from astrarium.core.files import atomic_open

if TYPE_CHECKING:
    from rich.text import Text

_LINE, _CHAR, _EDGE, _BAR = 19, 8.05, 16, 30
_LONGEST_PAUSE = 1.2
"""Seconds; longer waits are played this long, and the picture says so."""
_END_PAUSE = 6.0
_TERMINAL_ONLY = re.compile(r"\x1b\[(?:\?25[lh]|2K|1A|\?2004[lh])|\x1b\][^\x07]*\x07")
_SPINNER = re.compile("^(?:\x1b\\[[\\d;]*m)*[\u2800-\u28ff] ")


@dataclass(frozen=True, slots=True)
class Recording:
    """What a terminal showed, and when."""

    width: int
    """Columns."""
    events: tuple[tuple[float, str], ...]
    """Seconds since the beginning, and what was printed then."""
    title: str = ""


def read_recording(path: str | Path) -> Recording:
    """Read a `.cast` file.

    Raises:
        ReportError: it is no recording of version 2; names the line.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    number = 1
    try:
        header = json.loads(lines[0])
        if header["version"] != 2:
            raise ValueError(f"its version is {header['version']}")
        events = []
        for line in lines[1:]:
            number += 1
            seconds, kind, printed = json.loads(line)
            if kind == "o":
                events.append((float(seconds), str(printed)))
        return Recording(int(header["width"]), tuple(events), str(header.get("title", "")))
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise ReportError(f"{path}:{number} is no line of an asciinema recording (version 2): {error}") from None


def write_recording(path: str | Path, recording: Recording) -> None:
    """Write a `.cast` file, atomically."""
    header = {"version": 2, "width": recording.width, "height": 40, "title": recording.title}
    with atomic_open(path) as file:
        file.write(json.dumps(header) + "\n")
        for seconds, printed in recording.events:
            file.write(json.dumps([round(seconds, 3), "o", printed], ensure_ascii=False) + "\n")


def shown_lines(recording: Recording) -> list[tuple[float, str]]:
    """What stays on the screen: of a line that is written again and again the last, with the time it was last written.

    Returns:
        Seconds and text with its colours, from top to bottom.
    """
    lines: list[tuple[float, str]] = []
    current = ""
    seconds = 0.0
    for seconds, printed in recording.events:
        pieces = _TERMINAL_ONLY.sub("", printed).replace("\r\n", "\n").split("\n")
        for index, piece in enumerate(pieces):
            current += piece
            if index < len(pieces) - 1:
                lines.append((seconds, _settled(current)))
                current = ""
    if current:
        lines.append((seconds, _settled(current)))
    return [(at, line) for at, line in lines if not _SPINNER.match(line)]


def animated(recording: Recording, alt: str) -> str:
    """The recording as an SVG that plays without a script.

    A reader who asked for less motion sees the whole screen, and so does a viewer that plays no animations.
    """
    from rich.text import Text

    lines = shown_lines(recording)
    times = _shortened([at for at, _ in lines])
    whole = (times[-1] if times else 0.0) + _END_PAUSE
    texts = [Text.from_ansi(line) for _, line in lines]
    columns = max([recording.width, *(len(text.plain) for text in texts)])
    width, height = columns * _CHAR + 2 * _EDGE, _BAR + len(lines) * _LINE + 2 * _EDGE
    styles = [_appearing(index, at, whole) for index, at in enumerate(times) if at > 0]
    rows = [
        f'<text class="l{index}" xml:space="preserve" x="{_EDGE}" y="{_BAR + _EDGE + (index + 0.75) * _LINE:.1f}">'
        f"{_spans(text)}</text>"
        for index, text in enumerate(texts)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
            f'height="{height:.0f}" role="img" aria-label="{escape(alt, quote=True)}">',
            f"<title>{escape(alt)}</title>",
            "<style>text{font:13.4px ui-monospace,'DejaVu Sans Mono',monospace;fill:#d6dbe1}",
            "@media (prefers-reduced-motion:no-preference){" + "".join(styles) + "}</style>",
            f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#151a21"/>',
            *(
                f'<circle cx="{18 + 18 * index}" cy="18" r="5.5" fill="{colour}"/>'
                for index, colour in enumerate(("#e06c75", "#e5c07b", "#98c379"))
            ),
            f'<text x="{width / 2:.0f}" y="22" text-anchor="middle">{escape(recording.title)}</text>',
            *rows,
            "</svg>",
            "",
        ]
    )


def _appearing(index: int, at: float, whole: float) -> str:
    """The style of a line that is not there before its time."""
    share = 100 * at / whole
    frames = f"@keyframes l{index}{{0%,{share:.2f}%{{opacity:0}}{share + 0.01:.2f}%,100%{{opacity:1}}}}"
    return f"{frames}.l{index}{{animation:l{index} {whole:.1f}s step-end infinite}}"


def _settled(line: str) -> str:
    """A line of a progress bar is written over from its beginning; what stays is the last writing."""
    written = [part for part in line.split("\r") if part]
    return written[-1] if written else ""


def _shortened(times: Sequence[float]) -> list[float]:
    played, last, at = [], 0.0, 0.0
    for time in times:
        at += min(time - last, _LONGEST_PAUSE)
        last = time
        played.append(at)
    return played


def _spans(text: Text) -> str:
    """Coloured pieces of a line, in their order."""
    from rich.console import Console

    parts = []
    for segment in text.render(Console(width=1000, color_system="truecolor", force_terminal=True)):
        if not segment.text or segment.text == "\n":
            continue
        words = escape(segment.text)
        style = segment.style
        marks = []
        if style is not None:
            if style.color is not None:
                marks.append(f'fill="{_colour(style.color.get_truecolor().hex)}"')
            if style.bold:
                marks.append('font-weight="bold"')
            if style.italic:
                marks.append('font-style="italic"')
            if style.dim:
                marks.append('opacity="0.75"')
        parts.append(f"<tspan {' '.join(marks)}>{words}</tspan>" if marks else words)
    return "".join(parts)


def _colour(hexadecimal: str) -> str:
    """A terminal's dark colours, made light enough to be read on a dark ground."""
    lighter = {"#800000": "#e06c75", "#008000": "#98c379", "#808000": "#e5c07b", "#000080": "#61afef",
               "#800080": "#c678dd", "#008080": "#56b6c2", "#000000": "#8b949e"}  # fmt: skip
    return lighter.get(hexadecimal, hexadecimal)
