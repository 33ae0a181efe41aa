"""An article: Markdown from a template, the figures beside it, and a note for every number."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from astrarium.core.files import atomic_open
from astrarium.report import markdown
from astrarium.report.figures import Figure
from astrarium.report.videos import thumbnail

ASSETS = "assets"
"""The folder beside an article that holds its pictures and their data."""
_CONTENTS = "<!-- contents -->"


@dataclass(slots=True)
class Article:
    """An article in the making, and when it is made."""

    stem: str
    """The file's name without its ending; its pictures' names begin with it."""
    markdown: str = ""
    """The text, once `render` has written it."""
    assets: dict[str, str] = field(default_factory=dict)
    """Name of a file in `assets/` → its content."""
    drawings: dict[str, Figure] = field(default_factory=dict)
    """Text of a mermaid diagram → the same as a figure, for where no mermaid runs."""
    _notes: dict[str, int] = field(default_factory=dict)

    def note(self, where: str) -> str:
        """A mark for a footnote that says where a number comes from; the same place gets the same mark."""
        number = self._notes.setdefault(where, len(self._notes) + 1)
        return f"[^{number}]"

    def badge(self, label: str, value: str, colour: str = "blue") -> str:
        """A badge, drawn here and kept beside the article."""
        from astrarium.report.badges import badge

        name = f"{self.stem}-badge-{markdown.slug(label)}.svg"
        self.assets[name] = badge(label, value, colour)
        return f"![{markdown.text(label)}: {markdown.text(value)}]({ASSETS}/{name})"

    def figure(self, name: str, figure: Figure, width: int | None = None) -> str:
        """A figure in the middle of the page, light or dark as the reader has it, and its data below."""
        return "\n\n".join(part for part in (self.picture(name, figure, width), self.data(name, figure)) if part)

    def picture(self, name: str, figure: Figure, width: int | None = None) -> str:
        """The figure alone."""
        files = {theme: f"{self.stem}-{name}-{theme}.svg" for theme in ("light", "dark")}
        self.assets[files["light"]], self.assets[files["dark"]] = figure.light, figure.dark
        size = f' width="{width}"' if width else ""
        return (
            '<p align="center">\n  <picture>\n'
            f'    <source media="(prefers-color-scheme: dark)" srcset="{ASSETS}/{files["dark"]}">\n'
            f'    <img alt="{escape(figure.alt, quote=True)}" src="{ASSETS}/{files["light"]}"{size}>\n'
            "  </picture>\n</p>"
        )

    def data(self, name: str, figure: Figure) -> str:
        """The data of a figure: a table to unfold, and a CSV file beside the article."""
        if not figure.rows:
            return ""
        file = f"{self.stem}-{name}.csv"
        self.assets[file] = _csv(figure.header, figure.rows)
        shown = figure.rows if len(figure.rows) <= 40 else [*figure.rows[:20], ["…"] * len(figure.header)]
        align = "l" + "r" * (len(figure.header) - 1)
        body = markdown.table([markdown.text(h) for h in figure.header], [[_shown(c) for c in r] for r in shown], align)
        return markdown_details(f"The figure's data ({len(figure.rows)} rows)", f"{body}\n\n[{file}]({ASSETS}/{file})")

    def mermaid(self, name: str, source: str, figure: Figure) -> str:
        """A diagram in mermaid's language, which GitHub draws; the drawing of our own is for the HTML page."""
        self.drawings[source.strip()] = figure
        return markdown.fence(source, "mermaid")

    def render(self, template: str, **context: Any) -> Article:
        """Write the text: the template, then its table of contents, then the notes."""
        body = markdown.tidy(_environment().get_template(template).render(article=self, **context))
        if self._notes:
            listed = "\n".join(f"[^{number}]: {where}" for where, number in self._notes.items())
            body = f"{body}\n{listed}\n"
        self.markdown = markdown.tidy(body.replace(_CONTENTS, markdown.contents(body)))
        return self

    def write(self, path: str | Path) -> list[Path]:
        """Write the article and its assets, each file whole or not at all.

        Returns:
            The files, the article first.
        """
        path = Path(path)
        written = [path]
        for name, content in self.assets.items():
            written.append(path.parent / ASSETS / name)
            _write(written[-1], content)
        _write(path, self.markdown)
        return written

    def write_html(self, path: str | Path) -> list[Path]:
        """Write the article as one HTML page, whole or not at all."""
        _write(Path(path), self.html())
        return [Path(path)]

    def html(self) -> str:
        """The article as one self-contained page: nothing is fetched, no script runs."""
        from astrarium.report.page import page

        return page(self)


def markdown_details(summary: str, body: str) -> str:
    """A part to unfold. The summary is plain text."""
    return f"<details>\n<summary>{escape(summary, quote=False)}</summary>\n\n{body}\n\n</details>"


@cache
def _environment() -> Environment:
    # Markdown is not HTML: what comes from elsewhere goes through the filters, never through HTML's escaping.
    environment = Environment(
        loader=PackageLoader("astrarium.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(
        text=markdown.text,
        prose=markdown.prose,
        code=markdown.code,
        fence=markdown.fence,
        count=lambda number: f"{number:,}",
        gb=lambda number: f"{number / 1e9:,.2f} GB",
        quotation=markdown.quotation,
    )
    environment.globals.update(table=markdown.table, details=markdown_details, thumbnail=thumbnail)
    return environment


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([header, *rows])
    return written.getvalue()


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float) and value.is_integer():
        return f"{value:,.0f}"
    return f"{value:.6g}" if isinstance(value, float) else markdown.text(value)


def _write(path: Path, content: str) -> None:
    with atomic_open(path) as file:
        file.write(content)
