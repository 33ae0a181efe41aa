"""`astrarium data`: rows from a repository."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from astrarium.cli.console import note, print_json, stderr, working

if TYPE_CHECKING:
    from astrarium.data import Rows

data = typer.Typer(help="Make rows to tune on from a repository.", no_args_is_help=True)

_Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the rows here (JSONL); else to stdout.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object; needs --output.")]


@data.command()
def functions(
    repo: Annotated[Path, typer.Argument(help="A git repository, a folder, or a Python file.")],
    output: _Output = None,
    min_lines: Annotated[int, typer.Option(help="Fewest lines, without the docstring.")] = 3,
    max_lines: Annotated[int, typer.Option(help="Most lines, without the docstring.")] = 60,
    max_characters: Annotated[int, typer.Option(help="Most characters, with the docstring.")] = 3000,
    methods: Annotated[bool, typer.Option(help="Take methods of classes too.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop at so many rows.")] = None,
    as_json: _Json = False,
) -> None:
    """Make rows from documented Python functions: the docstring asks, the function answers."""
    from astrarium.data import functions as mine
    from astrarium.data.documented import FunctionLimits

    _check_json(as_json, output)
    limits = FunctionLimits(min_lines, max_lines, max_characters, methods)
    with working(f"reading {repo}"):
        rows = mine(repo, limits, limit=limit)
    _deliver(rows, output, as_json)


@data.command()
def commits(
    repo: Annotated[Path, typer.Argument(help="A git repository.")],
    output: _Output = None,
    language: Annotated[str, typer.Option(help="Language of the files, by their endings.")] = "python",
    max_characters: Annotated[int, typer.Option(help="Most characters of the file before and after together.")] = 3072,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop at so many rows, newest first.")] = None,
    as_json: _Json = False,
) -> None:
    """Make rows from the git history: subject and file before ask, the file after answers (CommitPackFT's rules)."""
    from astrarium.data import commits as mine
    from astrarium.data.history import CommitLimits

    _check_json(as_json, output)
    with working(f"reading the history of {repo}"):
        rows = mine(repo, CommitLimits(language, max_characters=max_characters), limit=limit)
    _deliver(rows, output, as_json)


def _check_json(as_json: bool, output: Path | None) -> None:
    if as_json and output is None:
        raise typer.BadParameter("--json prints the summary; say with --output where the rows go")


def _deliver(rows: Rows, output: Path | None, as_json: bool) -> None:
    from rich.table import Table

    from astrarium.data import digest, write_rows

    if output is None:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    else:
        write_rows(output, rows)
    for line in (*rows.report.unreadable, *rows.report.notes):
        note(line)
    if as_json:
        print_json({"output": str(output), "digest": digest(rows), **rows.report.to_dict()})
        return
    table = Table(title=f"{len(rows)} rows")
    table.add_column("")
    table.add_column("count", justify="right")
    table.add_row("looked at", str(rows.report.looked_at))
    table.add_row("kept", str(rows.report.kept), style="bold")
    for reason, count in rows.report.dropped.most_common():
        table.add_row(f"left out: {reason}", str(count), style="dim")
    for reason, count in rows.report.files.most_common():
        table.add_row(f"files passed over: {reason}", str(count), style="dim")
    stderr.print(table)
    stderr.print(f"digest {digest(rows)}" + (f", written to {output}" if output else ""), markup=False, soft_wrap=True)
