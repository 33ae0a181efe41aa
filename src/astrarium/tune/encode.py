"""Rows as token ids, with the place where the loss begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from astrarium.core.errors import TuneError
from astrarium.text import learned_pieces

if TYPE_CHECKING:
    from astrarium.data import Row
    from astrarium.sources.tokenizer import Tokenizer
    from astrarium.text import Template


@dataclass(frozen=True, slots=True)
class Example:
    """One row as token ids. It ends in the end token, which is always learned."""

    ids: tuple[int, ...]
    learned_from: int
    """Position of the first token that the loss counts. By position, so that a token that happens to be the padding
    token's id (StarCoder pads with its end token) is still learned."""
    source: str

    def labels(self) -> list[int | None]:
        """What to learn at each position; None where nothing."""
        return [None if at < self.learned_from else token for at, token in enumerate(self.ids)]


@dataclass(slots=True)
class Examples:
    """Rows that fit, and how many did not."""

    fitting: list[Example] = field(default_factory=list)
    too_long: int = 0
    longest: str = ""
    """The longest of those that did not fit, in words."""


def encode_rows(
    rows: Sequence[Row],
    template: Template,
    tokenizer: Tokenizer,
    *,
    loss: str,
    longest: int | None,
    what: str = "rows",
) -> Examples:
    """Turn rows into token ids.

    See `text.learned_pieces`: a conversation gives an example for each of its answers.

    Args:
        rows: what to learn.
        template: how a row is written out.
        tokenizer: the base's.
        loss: `answer` or `full`.
        longest: leave out rows of more tokens; None keeps all.
        what: what the rows are, for messages.

    Raises:
        TuneError: the tokenizer has no end token, or no row fits.
        TextError: a middle to fill in, and a tokenizer without the marks for it.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise TuneError("the tokenizer has no end token, so that no answer could learn to end")
    examples = Examples()
    most = 0
    pieces = ((row, *piece) for row in rows for piece in learned_pieces(row, template))
    for row, before, after in pieces:
        ids = (*before, *after, end)
        if longest is not None and len(ids) > longest:
            examples.too_long += 1
            if len(ids) > most:
                most, examples.longest = len(ids), f"{row['source'] or 'a row without a source'} ({len(ids)})"
            continue
        examples.fitting.append(Example(ids, len(before) if loss == "answer" else 0, row["source"]))
    if not examples.fitting:
        raise TuneError(
            f"none of {len(rows)} {what} fits into {longest} tokens (the longest is {examples.longest}); "
            "take a longer sequence"
        )
    return examples
