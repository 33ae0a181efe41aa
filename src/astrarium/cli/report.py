"""`astrarium report`: an article or a model card for a run or an adapter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from astrarium.cli.console import note, print_json


def report(
    what: Annotated[str, typer.Argument(help="A run's folder, an adapter's folder, or a hub id of an adapter.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; pictures go into assets/ beside it.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="One self-contained HTML page in place of Markdown.")] = False,
    card: Annotated[bool, typer.Option("--card", help="A Hugging Face model card with its metadata.")] = False,
    licence: Annotated[
        str | None, typer.Option("--license", help="Of the adapter, for the card, as the hub spells it: apache-2.0.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print which files were written, as one JSON object.")
    ] = False,
) -> None:
    """Write up a run or an adapter from the files it left: recipe, data, curves, cost, samples, how to load it.

    Without -o, Markdown goes to stdout, without its pictures.
    """
    from astrarium.report import article_of, card_of

    if card and html:
        raise typer.BadParameter("a card is Markdown; leave one of --card and --html out", param_hint="--html")
    if licence is not None and not card:
        raise typer.BadParameter("it is the card's; add --card", param_hint="--license")
    if as_json and output is None:
        raise typer.BadParameter("--json tells of files; name one with -o", param_hint="--json")
    stem = output.stem if output is not None else "article"
    article = card_of(what, licence=licence) if card else article_of(what, stem=stem)
    if output is None:
        sys.stdout.write(article.html() if html else article.markdown)
        if article.assets and not html:
            note(f"{len(article.assets)} pictures and tables of the article are not written without -o")
        return
    written = article.write_html(output) if html else article.write(output)
    if as_json:
        print_json({"written": [str(path) for path in written]})
    else:
        note(
            f"wrote {output}" + (f" and {len(written) - 1} files in {output.parent / 'assets'}" if written[1:] else "")
        )
