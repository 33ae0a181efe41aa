"""`astrarium tokens`: how text becomes tokens."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from astrarium.cli.console import note, print_json, stdout, working
from astrarium.core.errors import TextError
from astrarium.core.texts import from_utf8, read_utf8

if TYPE_CHECKING:
    from astrarium.sources.tokenizer import Tokenizer
    from astrarium.text import TokenTable


def tokens(
    texts: Annotated[
        list[str] | None, typer.Argument(help="One text or several (a padded batch); - reads stdin.")
    ] = None,
    base: Annotated[str, typer.Option(help="Base model: `default`, a folder, a .gguf file, or a hub id.")] = "default",
    file: Annotated[Path | None, typer.Option(help="Read the text from a file.")] = None,
    decode: Annotated[str | None, typer.Option(help='Show what ids stand for, as in "1604 275" or 1604,275.')] = None,
    tensors: Annotated[str | None, typer.Option(help="Print the call's tensors: pt or np.")] = None,
    special_tokens: Annotated[bool, typer.Option(help="Let the tokenizer add its own special tokens.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how text becomes tokens: pieces, ids, offsets, words, special tokens, mask; and ids text again."""
    from astrarium.sources import open_base
    from astrarium.text import decode_ids, inspect_text

    if tensors not in (None, "pt", "np"):
        raise typer.BadParameter(f"{tensors!r}; expected pt or np", param_hint="--tensors")
    if tensors is not None and as_json:
        raise typer.BadParameter("--tensors prints tensors as Python shows them; leave --json out")
    with working(f"opening {base}"):
        source = open_base(base)
        tokenizer = source.tokenizer()
    for line in source.notes:
        note(line)
    if decode is not None:
        _show_decoded(decode_ids(_ids(decode), tokenizer), as_json)
        return
    given = [from_utf8(sys.stdin.buffer.read(), "standard input") if text == "-" else text for text in texts or []]
    if file is not None:
        given.append(read_utf8(file))
    if not given:
        raise typer.BadParameter("give a text, -, --file or --decode")
    if tensors is not None:
        _show_tensors(given, tokenizer, tensors, special_tokens)
        return
    table = inspect_text(given, tokenizer, add_special_tokens=special_tokens)
    if as_json:
        print_json(table.to_dict())
    else:
        _show(table)


def _ids(text: str) -> list[int]:
    try:
        return [int(part) for part in text.replace(",", " ").strip("[] ").split()]
    except ValueError as error:
        raise TextError(f"--decode {text!r} is no list of ids; write it as 1604,275") from error


def _show(table: TokenTable) -> None:
    from rich.table import Table
    from rich.text import Text

    for row in table.rows:
        shown = Table(title=Text(repr(row.source) if len(row.source) <= 60 else repr(row.source[:57]) + "…"))
        for column, justify in (
            ("#", "right"), ("id", "right"), ("piece", "left"), ("text", "left"), ("offsets", "right"),
            ("word", "right"), ("special", "center"), ("mask", "right"),
        ):  # fmt: skip
            shown.add_column(column, justify=justify)  # type: ignore[arg-type]
        for token in row.tokens:
            offsets = "" if token.start is None else f"{token.start}–{token.end}"
            word = "" if token.word is None else str(token.word)
            special = "yes" if token.special else ""
            shown.add_row(
                str(token.index), str(token.id), Text(token.piece), Text(repr(token.text)), offsets, word, special,
                str(token.attention),
            )  # fmt: skip
        stdout.print(shown)
        for call, value in (
            ("encode", str(list(row.encoded))),
            ("decode", repr(row.decoded)),
            ("decode, skip_special_tokens", repr(row.decoded_without_specials)),
            ("word_to_tokens", " ".join(f"{w}→{start}:{end}" for w, (start, end) in enumerate(row.words))),
        ):
            stdout.print(Text(f"{call}: ", style="bold") + Text(value))
    stdout.print(Text("the call: ", style="bold") + Text(_call(table)))
    stdout.print(Text("batch_decode: ", style="bold") + Text(repr(list(table.batch_decoded))))
    specials = ", ".join(f"{role} {piece}" for role, piece in table.special_tokens.items()) or "none"
    stdout.print(Text(f"{table.vocabulary:,} tokens; padding on the {table.padding_side}; special: {specials}", "dim"))


def _call(table: TokenTable) -> str:
    ids = [[token.id for token in row.tokens] for row in table.rows]
    masks = [[token.attention for token in row.tokens] for row in table.rows]
    return f"input_ids {ids}, attention_mask {masks}"


def _show_decoded(decoded: dict[str, Any], as_json: bool) -> None:
    from rich.text import Text

    if as_json:
        print_json(decoded)
        return
    stdout.print(Text("pieces: ", style="bold") + Text(repr(decoded["pieces"])))
    stdout.print(Text("decode: ", style="bold") + Text(repr(decoded["decoded"])))
    without = decoded["decoded_without_specials"]
    stdout.print(Text("decode, skip_special_tokens: ", style="bold") + Text(repr(without)))


def _show_tensors(texts: list[str], tokenizer: Tokenizer, form: str, special_tokens: bool) -> None:
    import numpy

    encodings = tokenizer.encodings(texts, add_special_tokens=special_tokens)
    rows = {"input_ids": [e.ids for e in encodings], "attention_mask": [e.attention_mask for e in encodings]}
    for name, row in rows.items():
        value: Any = numpy.array(row, dtype=numpy.int64)
        if form == "pt":
            import torch

            value = torch.from_numpy(value)
        print(f"{name}: {type(value).__module__}.{type(value).__name__} {value.dtype} {list(value.shape)}")
        print(value)
