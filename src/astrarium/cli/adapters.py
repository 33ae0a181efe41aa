"""`astrarium adapters`: what there is to know about adapters."""

from __future__ import annotations

from typing import Annotated

import typer

from astrarium.cli.console import note, print_json, stdout

adapters = typer.Typer(help="What there is to know about adapters.", no_args_is_help=True)


@adapters.callback()
def _group() -> None:
    """What there is to know about adapters."""


@adapters.command()
def count(
    base: Annotated[str, typer.Option(help="Base model: `default`, a folder, a .gguf file, or a hub id.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count the parameters that each recipe trains on a base, from its configuration alone.

    Nothing is allocated and no weights are read. Share is trained ÷ (base + trained).
    """
    from rich.table import Table

    from astrarium.methods import count_parameters
    from astrarium.sources import open_base

    opened = open_base(base)
    for line in opened.notes:
        note(line)
    counts = count_parameters(opened.config)
    if as_json:
        print_json({"base": opened.name, "parameters": counts[0].base, "recipes": [c.to_dict() for c in counts]})
        return
    table = Table(title=f"{opened.name}: {counts[0].base:,} parameters")
    table.add_column("method")
    for column in ("trained", "saved", "share %"):
        table.add_column(column, justify="right")
    for row in counts:
        table.add_row(row.method, f"{row.trained:,}", f"{row.saved:,}", f"{row.share:.3f}")
    stdout.print(table)
