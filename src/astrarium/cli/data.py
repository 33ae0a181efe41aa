"""`astrarium data`: rows from a repository or a file, filtered, split and counted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from astrarium.cli.console import note, print_json, stderr, working

if TYPE_CHECKING:
    from astrarium.data import Filters, Rows
    from astrarium.data.delivery import Delivery

data = typer.Typer(help="Make rows to tune on from a repository, or clean rows that are there.", no_args_is_help=True)

_Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the rows here (JSONL); else to stdout.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object; needs --output.")]
_Languages = Annotated[
    list[str] | None,
    typer.Option("--language", help="python, javascript, typescript, java, go, c++ or rust; again for more. All."),
]
_AnyLicence = Annotated[bool, typer.Option("--any-licence", help="Keep rows whatever their licence.")]
_AllowLicence = Annotated[
    list[str] | None,
    typer.Option(help="Keep this licence too (an SPDX name such as GPL-3.0-only); permissive ones are kept anyway."),
]
_LicensedOnly = Annotated[bool, typer.Option("--licensed-only", help="Drop rows for which no licence was found.")]
_Secrets = Annotated[bool, typer.Option(help="Drop rows with private keys and tokens.")]
_Near = Annotated[
    float, typer.Option(min=0, max=1, help="Drop rows as alike as this to one before (Jaccard, 5 tokens); 0 keeps all.")
]
_HumanEval = Annotated[bool, typer.Option(help="Drop rows with a task of HumanEval in them.")]
_Decontaminate = Annotated[
    list[Path] | None, typer.Option("--decontaminate", help="Drop rows with a task of this file; again for more.")
]
_Validation = Annotated[
    float | None,
    typer.Option(help="Share of the rows to hold back, whole files of them, into OUTPUT's .validation.jsonl."),
]
_Fim = Annotated[float, typer.Option(min=0, max=1, help="Share of the rows to turn into middles to fill in.")]
_Seed = Annotated[int, typer.Option(help="Of the rows held back and turned.")]


@data.command()
def functions(
    repo: Annotated[list[Path], typer.Argument(help="Git repositories, folders, or files of code.")],
    output: _Output = None,
    language: _Languages = None,
    min_lines: Annotated[int, typer.Option(help="Fewest lines, without the documentation.")] = 3,
    max_lines: Annotated[int, typer.Option(help="Most lines, without the documentation.")] = 60,
    max_characters: Annotated[int, typer.Option(help="Most characters.")] = 3000,
    methods: Annotated[bool, typer.Option(help="Take methods of classes too.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop at so many rows.")] = None,
    any_licence: _AnyLicence = False,
    allow_licence: _AllowLicence = None,
    licensed_only: _LicensedOnly = False,
    secrets: _Secrets = True,
    near_duplicates: _Near = 0.8,
    humaneval: _HumanEval = True,
    decontaminate: _Decontaminate = None,
    validation: _Validation = None,
    fim_rate: _Fim = 0.0,
    seed: _Seed = 0,
    as_json: _Json = False,
) -> None:
    """Make rows from documented functions: the documentation asks, the function answers."""
    from astrarium.data import FunctionLimits
    from astrarium.data import functions as mine

    _check_output(as_json, validation, output)
    limits = FunctionLimits(min_lines, max_lines, max_characters, methods, tuple(language or ("all",)))
    filters = _filters(any_licence, allow_licence, licensed_only, secrets, near_duplicates, humaneval, decontaminate)
    with working(f"reading {', '.join(map(str, repo))}"):
        rows = mine(repo[0] if len(repo) == 1 else repo, limits, limit=limit, filters=filters)
    _deliver(rows, output, validation, fim_rate, seed, as_json)


@data.command()
def commits(
    repo: Annotated[Path, typer.Argument(help="A git repository.")],
    output: _Output = None,
    language: Annotated[str, typer.Option(help="Language of the files, by their endings; or all.")] = "all",
    max_characters: Annotated[int, typer.Option(help="Most characters of the file before and after together.")] = 3072,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop at so many rows, newest first.")] = None,
    any_licence: _AnyLicence = False,
    allow_licence: _AllowLicence = None,
    licensed_only: _LicensedOnly = False,
    secrets: _Secrets = True,
    near_duplicates: _Near = 0.8,
    humaneval: _HumanEval = True,
    decontaminate: _Decontaminate = None,
    validation: _Validation = None,
    fim_rate: _Fim = 0.0,
    seed: _Seed = 0,
    as_json: _Json = False,
) -> None:
    """Make rows from the git history: subject and file before ask, the file after answers (CommitPackFT's rules)."""
    from astrarium.data import CommitLimits
    from astrarium.data import commits as mine

    _check_output(as_json, validation, output)
    filters = _filters(any_licence, allow_licence, licensed_only, secrets, near_duplicates, humaneval, decontaminate)
    with working(f"reading the history of {repo}"):
        rows = mine(repo, CommitLimits(language, max_characters=max_characters), limit=limit, filters=filters)
    _deliver(rows, output, validation, fim_rate, seed, as_json)


@data.command("filter")
def filter_(
    where: Annotated[str, typer.Argument(metavar="DATA", help="Rows: JSONL, JSON, CSV, Parquet, or a hub data set.")],
    output: _Output = None,
    prompt_column: Annotated[str, typer.Option(help="Column with the prompts.")] = "prompt",
    completion_column: Annotated[str, typer.Option(help="Column with the completions.")] = "completion",
    any_licence: _AnyLicence = False,
    allow_licence: _AllowLicence = None,
    licensed_only: _LicensedOnly = False,
    secrets: _Secrets = True,
    near_duplicates: _Near = 0.8,
    humaneval: _HumanEval = True,
    decontaminate: _Decontaminate = None,
    validation: _Validation = None,
    fim_rate: _Fim = 0.0,
    seed: _Seed = 0,
    as_json: _Json = False,
) -> None:
    """Clean rows that are there: drop by licence, secrets, near-duplicates and benchmarks; split; turn into middles."""
    from astrarium.data import filter_rows, read_rows

    _check_output(as_json, validation, output)
    filters = _filters(any_licence, allow_licence, licensed_only, secrets, near_duplicates, humaneval, decontaminate)
    with working(f"reading {where}"):
        rows = filter_rows(read_rows(where, prompt_column=prompt_column, completion_column=completion_column), filters)
    _deliver(rows, output, validation, fim_rate, seed, as_json)


def _filters(
    any_licence: bool,
    allow_licence: list[str] | None,
    licensed_only: bool,
    secrets: bool,
    near_duplicates: float,
    humaneval: bool,
    decontaminate: list[Path] | None,
) -> Filters:
    from astrarium.data import Filters

    return Filters(
        any_licence=any_licence,
        allow_licences=tuple(allow_licence or ()),
        licensed_only=licensed_only,
        secrets=secrets,
        near_duplicates=near_duplicates or None,
        humaneval=humaneval,
        tasks=tuple(decontaminate or ()),
    )


def _check_output(as_json: bool, validation: float | None, output: Path | None) -> None:
    if as_json and output is None:
        raise typer.BadParameter("--json prints the summary; say with --output where the rows go")
    if validation is not None and output is None:
        raise typer.BadParameter("--validation writes two files; say with --output where the rows go")


def _deliver(
    rows: Rows, output: Path | None, validation: float | None, fim_rate: float, seed: int, as_json: bool
) -> None:
    from astrarium.data.delivery import deliver
    from astrarium.data.rows import record_of

    done = deliver(rows, output, validation=validation, fim_rate=fim_rate, seed=seed)
    if output is None:
        for row in done.rows:
            sys.stdout.write(json.dumps(record_of(row), ensure_ascii=False) + "\n")
    for line in (*done.report.unreadable, *done.report.notes):
        note(line)
    if as_json:
        print_json(done.to_dict())
    else:
        _print(done)


def _print(done: Delivery) -> None:
    from rich.table import Table

    from astrarium.data import digest

    report = done.report
    table = Table(title=f"{len(done.rows) + len(done.held)} rows")
    table.add_column("")
    table.add_column("count", justify="right")
    table.add_row("looked at", str(report.looked_at))
    table.add_row("kept", str(report.kept), style="bold")
    details = [(f"in {language}", count) for language, count in report.languages.most_common()]
    details += [(f"licence: {licence}", count) for licence, count in report.licences.most_common()]
    details += [("held back for validation", len(done.held))] if done.validation_output else []
    details += [("turned into middles to fill in", report.middles)] if report.middles else []
    for name, count in details:
        table.add_row(f"  {name}", str(count))
    for reason, count in report.dropped.most_common():
        table.add_row(f"left out: {reason}", str(count), style="dim")
    for reason, count in report.files.most_common():
        table.add_row(f"files passed over: {reason}", str(count), style="dim")
    stderr.print(table)
    for rows, place in ((done.rows, done.output), (done.held, done.validation_output)):
        if rows is done.rows or place is not None:
            where = f", {len(rows)} rows written to {place}" if place else ""
            stderr.print(f"digest {digest(rows)}{where}", markup=False, soft_wrap=True)
