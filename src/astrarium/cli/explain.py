"""`astrarium explain`: what is wrong with a Hugging Face script, and a mended copy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from astrarium.cli.console import note, print_json, stdout, working
from astrarium.core.errors import ExplainError

if TYPE_CHECKING:
    from astrarium.explain import Finding, Reading

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def explain(
    scripts: Annotated[
        list[str] | None, typer.Argument(metavar="SCRIPT…", help="A script, a notebook, or - for standard input.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Show the mended copy, as a diff.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the mended copy in the place of the script.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0.")] = False,
    github: Annotated[bool, typer.Option("--github", help="Print GitHub annotations.")] = False,
    article: Annotated[
        Path | None, typer.Option(help="Write an article on the script to this file; pictures go into assets/ beside.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="The article as one self-contained HTML page.")] = False,
    sources: Annotated[
        list[Path] | None, typer.Option(help="Saved search results, pages or answers for the article to cite.")
    ] = None,
    quote: Annotated[
        list[str] | None, typer.Option(help="Words of the sources that the article quotes, letter for letter.")
    ] = None,
    base_config: Annotated[Path | None, typer.Option(help="The base's config.json, where it is not at hand.")] = None,
    recording: Annotated[Path | None, typer.Option(help="An asciinema recording for the article to show.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List every rule.")] = False,
) -> None:
    """Read a script that uses transformers or peft, without running it: what is wrong with it, why, and how to mend it.

    Exit status: 0 where there is no finding of severity error, 1 where there is one or the script cannot be read, 2 on
    wrong usage. `# astrarium: ignore[id]` on a line silences a rule there.
    """
    if rules:
        _show_rules(as_json)
        return
    if not scripts:
        raise typer.BadParameter("give a script, a notebook, or -")
    if as_json + as_sarif + github > 1:
        raise typer.BadParameter("--json, --sarif and --github exclude one another")
    if as_sarif and len(scripts) > 1:
        raise typer.BadParameter("--sarif takes one script")
    if article is None and (html or sources or quote or base_config or recording):
        raise typer.BadParameter(
            "--html, --sources, --quote, --base-config and --recording are the article's; add --article FILE"
        )
    if article is not None:
        script, files = _script_and_sources(scripts, sources or [])
        if quote and not files:
            raise typer.BadParameter("a quotation is from a source; add --sources FILE", param_hint="--quote")
        _write_article(_read(script, True), article, html, files, quote or [], base_config, recording)
        return
    readings = [_read(script, fix or write) for script in scripts]
    for reading in readings:
        if as_json:
            print_json({**reading.to_dict(), **({"mended": reading.mended} if fix or write else {})})
        elif as_sarif:
            from astrarium import __version__
            from astrarium.explain.sarif import sarif

            print_json(sarif(reading, __version__))
        elif github:
            from astrarium.explain.sarif import github_lines

            for line in github_lines(reading):
                print(line)
        elif fix and not write:
            _show_diff(reading)
        else:
            _show(reading)
        if write:
            _write(reading)
    if any(reading.errors for reading in readings):
        raise typer.Exit(1)


def _read(script: str, mend: bool) -> Reading:
    from astrarium.explain.reader import read, read_text
    from astrarium.explain.source import decoded

    with working(f"reading {script}"):
        if script == "-":
            return read_text(decoded(sys.stdin.buffer.read(), "standard input"), "<stdin>", mend=mend)
        return read(Path(script), mend=mend)


def _script_and_sources(given: list[str], sources: list[Path]) -> tuple[str, list[Path]]:
    """The one script of an article; of `--sources A B` the second comes among the scripts, and is a source.

    Raises:
        typer.BadParameter: more than one of them may be the script.
    """
    scripts = [name for name in given if name == "-" or name.endswith((".py", ".ipynb"))] if sources else given
    if len(given) > 1 and len(scripts) != 1:
        raise typer.BadParameter("--article takes one script; write --sources before each of several sources")
    script = given[0] if len(given) == 1 else scripts[0]
    return script, [*sources, *(Path(name) for name in given if name is not script)]


def _write_article(
    reading: Reading,
    path: Path,
    html: bool,
    sources: list[Path],
    quotes: list[str],
    base_config: Path | None,
    recording: Path | None,
) -> None:
    from astrarium.explain.article import article_of_script
    from astrarium.report import read_recording

    shown = read_recording(recording) if recording is not None else None
    with working("writing the article"):
        written = article_of_script(
            reading, stem=path.stem, sources=sources, base_config=base_config, recording=shown, quotes=quotes
        )
        files = written.write_html(path) if html else written.write(path)
    note(f"wrote {path}" + (f" and {len(files) - 1} files in {path.parent / 'assets'}" if files[1:] else ""))


def _show(reading: Reading) -> None:
    from rich.text import Text

    for finding in reading.findings:
        colour = _COLOURS[finding.severity]
        stdout.print(
            Text(f"{reading.name}{finding.place}: ", "bold")
            + Text(finding.severity, f"bold {colour}")
            + Text(f" {finding.id}", colour),
            soft_wrap=True,
        )
        if finding.code.strip():
            stdout.print(Text(f"  {finding.line:>4} │ ", "dim") + Text(finding.code), soft_wrap=True)
        stdout.print(Text(f"       {_sentence(finding.message)} {finding.why}"), soft_wrap=True)
        stdout.print(Text("       mend: ", "green") + Text(_sentence(finding.mend)), soft_wrap=True)
    for line in reading.notes:
        note(line)
    stdout.print(Text(_sum(reading.findings), "bold"), soft_wrap=True)


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() else text
    return begun + ("" if text.endswith(".") else ".")


def _sum(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return "Nothing found."
    counts = {severity: sum(one.severity == severity for one in findings) for severity in _COLOURS}
    told = ", ".join(f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count)
    fixable = sum(one.fixable for one in findings)
    return told + (f"; --fix mends {fixable} of {len(findings)}" if fixable else "")


def _show_diff(reading: Reading) -> None:
    import difflib

    from rich.text import Text

    if reading.mended == reading.original:
        note("nothing to mend that is plain" if reading.findings else "nothing to mend")
        return
    before, after = reading.original.splitlines(), reading.mended.splitlines()
    for line in difflib.unified_diff(before, after, reading.name, f"{reading.name} (mended)", lineterm=""):
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        stdout.print(Text(line, style), soft_wrap=True)


def _write(reading: Reading) -> None:
    from astrarium.core.files import atomic_open

    if reading.path is None:
        raise ExplainError("standard input cannot be written; --fix --json prints the mended copy")
    if reading.mended == reading.original:
        note(f"{reading.name}: nothing to mend that is plain")
        return
    with atomic_open(reading.path, "wb") as file:
        file.write(reading.mended.encode("utf-8"))
    note(f"{reading.name}: written")


def _show_rules(as_json: bool) -> None:
    from astrarium.explain.rules.registry import all_rules

    listed = [
        {"id": rule.id, "severity": rule.severity, "title": rule.title, "why": rule.why, "link": rule.link}
        for rule in all_rules()
    ]
    if as_json:
        print_json({"rules": listed})
        return
    from rich.text import Text

    widest = max(len(rule["id"]) for rule in listed)
    for rule in listed:
        severity = rule["severity"]
        stdout.print(
            Text(rule["id"].ljust(widest), "bold") + Text(f"  {severity:<8}", _COLOURS[severity]) + Text(rule["title"]),
            soft_wrap=True,
        )
