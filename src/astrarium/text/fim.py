"""Fill-in-the-middle prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astrarium.core.errors import TextError
from astrarium.families import FimTokens

if TYPE_CHECKING:
    from astrarium.sources.tokenizer import Tokenizer


def fim_prompt(prefix: str, suffix: str, tokenizer: Tokenizer, tokens: FimTokens) -> list[int]:
    """Token ids that ask for the text between a prefix and a suffix: mark, prefix, mark, suffix, middle mark.

    The user's text is encoded as text throughout: a `<fim_middle>` written in it does not become the mark.

    Raises:
        TextError: the tokenizer lacks a mark.

    Source: Bavarian et al. 2022 (arXiv 2207.14255), the order prefix, suffix, middle; StarCoder's `<fim_…>` tokens.
    """
    ids = {mark: tokenizer.id_of(mark) for mark in (tokens.prefix, tokens.suffix, tokens.middle)}
    before, after, middle = ids.values()
    if before is None or after is None or middle is None:
        missing = [mark for mark, number in ids.items() if number is None]
        raise TextError(f"the tokenizer has no {', '.join(missing)}; continue from the prefix alone (--prefix-only)")
    return [before, *plain_ids(prefix, tokenizer), after, *plain_ids(suffix, tokenizer), middle]


def plain_ids(text: str, tokenizer: Tokenizer) -> list[int]:
    """A text as token ids in which nothing becomes a special token."""
    if not text:
        return []
    return tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
