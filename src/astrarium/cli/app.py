"""The `astrarium` command: collects the commands, turns errors into one line and an exit status."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from astrarium import __version__
from astrarium.cli.adapters import adapters
from astrarium.cli.ask import ask
from astrarium.cli.bench import bench
from astrarium.cli.complete import complete
from astrarium.cli.console import stderr
from astrarium.cli.data import data
from astrarium.cli.explain import explain
from astrarium.cli.report import report
from astrarium.cli.tokens import tokens
from astrarium.cli.tune import tune
from astrarium.core.errors import AstrariumError

app = typer.Typer(
    name="astrarium",
    help="Tune, run, measure and compare adapters for code models, from a laptop's CPU up.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


app.command()(ask)
app.command()(complete)
app.command()(tune)
app.command()(tokens)
app.command()(explain)
app.command()(report)
app.command()(bench)
app.add_typer(data, name="data")
app.add_typer(adapters, name="adapters")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"astrarium {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Tune, run, measure and compare adapters for code models, from a laptop's CPU up."""


def main() -> None:
    """Run the command line. Exit status: 0 success, 1 a failure told in one line on stderr, 2 wrong usage."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    if not debug:
        # What these libraries warn of (deprecations among themselves) is nothing a user of the command can mend.
        warnings.filterwarnings("ignore", module=r"(peft|transformers|accelerate)(\..*)?")
    try:
        app([argument for argument in arguments if argument != "--debug"])
    except KeyboardInterrupt:
        stderr.print("interrupted")
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        print(f"error: {_one_line(error)}", file=sys.stderr)
        sys.exit(1)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, AstrariumError):
        return text
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"{type(error).__name__}: {text} (astrarium --debug … shows where)"
