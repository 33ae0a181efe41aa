"""Fill-in-the-middle prompts keep the user's text apart from the marks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrarium.core.errors import TextError
from astrarium.families import FimTokens, family_of
from astrarium.text import fim_prompt
from tests.vocabularies import STARCODER_SPECIALS, our_tokenizer

TOKENS = family_of({"model_type": "gpt_bigcode"}).fim[0]
TOKENIZER = our_tokenizer()
MARKS = [TOKENIZER.id_of(mark) for mark in (TOKENS.prefix, TOKENS.suffix, TOKENS.middle)]


def test_the_order_is_prefix_suffix_middle() -> None:
    ids = fim_prompt("def area(r):\n    return ", "\n", TOKENIZER, TOKENS)
    assert (
        TOKENIZER.decode(ids, skip_special_tokens=False)
        == "<fim_prefix>def area(r):\n    return <fim_suffix>\n<fim_middle>"
    )
    assert [ids[0], ids[-1]] == [MARKS[0], MARKS[2]]


@given(
    prefix=st.text(max_size=30) | st.sampled_from([f"x {mark} y" for mark in STARCODER_SPECIALS]),
    suffix=st.text(max_size=30) | st.sampled_from(STARCODER_SPECIALS),
)
@settings(max_examples=80, deadline=None)
def test_no_text_becomes_a_mark(prefix: str, suffix: str) -> None:
    ids = fim_prompt(prefix, suffix, TOKENIZER, TOKENS)
    assert [token for token in ids if token in TOKENIZER.special_ids or token in MARKS] == MARKS
    cut = ids.index(MARKS[1])
    assert TOKENIZER.decode(ids[1:cut], skip_special_tokens=False) == prefix.encode("utf-8", "replace").decode()
    assert TOKENIZER.decode(ids[cut + 1 : -1], skip_special_tokens=False) == suffix.encode("utf-8", "replace").decode()


def test_a_tokenizer_without_the_marks() -> None:
    with pytest.raises(TextError, match="the tokenizer has no <x>, <y>; continue from the prefix alone"):
        fim_prompt("a", "b", TOKENIZER, FimTokens("<x>", "<y>", "<fim_middle>"))
