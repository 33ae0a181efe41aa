"""`astrarium bench`: this machine against the peers."""

from __future__ import annotations

from typing import Annotated

import typer

from astrarium.cli.console import note, print_json, stdout, working


def bench(
    name: Annotated[str | None, typer.Argument(help="Which bench; without one they are listed.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two rounds and fewer tokens, for a first look.")] = False,
    peers_python: Annotated[
        str | None,
        typer.Option(
            envvar="ASTRARIUM_PEERS_PYTHON", help="Interpreter with the peers' libraries; by default this one."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure this machine against transformers, peft, CTranslate2 and llama.cpp on the same work in the same run.

    Models and adapters with random weights are made once, in the cache. A peer that is not installed is left out and
    named.
    """
    from astrarium.bench import all_benches, run

    if name is None:
        listed = {one.name: one.line for one in all_benches().values()}
        if as_json:
            print_json(listed)
        else:
            _show(listed)
        return
    with working(f"bench {name}"):
        result = run(name, quick=quick, peers_python=peers_python, warn=note)
    if result.noisy:
        load, spread = result.machine["load"], result.machine["spread"]
        note(
            f"noisy: the load was {load:.1f} when the run began, and rounds spread by {spread:.0%} (at most 0.3, 15 %)"
        )
    if as_json:
        print_json(result.to_dict())
    else:
        stdout.print(result.table())


def _show(listed: dict[str, str]) -> None:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    for name, line in listed.items():
        table.add_row(name, line)
    stdout.print(table)
