"""Rows as token ids: what is given, and what is to be learned after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import TextError
from astrarium.families import FimTokens, family_of, known
from astrarium.text.fim import fim_prompt, plain_ids

if TYPE_CHECKING:
    from astrarium.sources.tokenizer import Tokenizer
    from astrarium.text.templates import Template


def learned_pieces(row: Mapping[str, Any], template: Template) -> list[tuple[list[int], list[int]]]:
    """The token ids before an answer and those of the answer, for each answer of a row; without the end token.

    A question with its answer gives one pair, a conversation one for each answer (with all that stands before it, as
    it would be asked), a text one with nothing before it, and a middle to fill in one in the base's own marks.

    Args:
        row: `prompt`, `completion` and `source`; `messages` makes it a conversation, `suffix` a middle, and an empty
            prompt a text (see `data.Row`).
        template: how questions are written out for this base.

    Raises:
        TextError: a middle to fill in, and a tokenizer without the marks for it.
    """
    tokenizer = template.tokenizer
    if "messages" in row:
        messages = row["messages"]
        places = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
        return [_pair(template, *template.training_turns(messages[:at], messages[at]["content"])) for at in places]
    if "suffix" in row:
        marks = fim_tokens(tokenizer)
        if marks is None:
            raise TextError(
                f"{row['source'] or 'a row'} is a middle to fill in, and the base has no tokens for that; "
                "leave such rows out (--fim-rate 0)"
            )
        return [(fim_prompt(row["prompt"], row["suffix"], tokenizer, marks), plain_ids(row["completion"], tokenizer))]
    if not row["prompt"]:
        return [(tokenizer.encode(""), tokenizer.encode(row["completion"], add_special_tokens=False))]
    return [_pair(template, *template.training(row["prompt"], row["completion"]))]


def fim_tokens(tokenizer: Tokenizer) -> FimTokens | None:
    """The marks of fill-in-the-middle that a tokenizer has, among those of every family; None where it has none."""
    for model_type in known():
        for marks in family_of({"model_type": model_type}).fim:
            if all(tokenizer.id_of(mark) is not None for mark in (marks.prefix, marks.suffix, marks.middle)):
                return marks
    return None


def _pair(template: Template, prompt: str, answer: str) -> tuple[list[int], list[int]]:
    # Apart, so that a prompt has the same ids in training as when it is asked.
    before = template.tokenizer.encode(prompt, add_special_tokens=not template.writes_special_tokens)
    return before, template.tokenizer.encode(answer, add_special_tokens=False)
