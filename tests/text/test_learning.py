"""Rows of every kind as what is given and what is learned."""

from __future__ import annotations

import pytest

from astrarium.core.errors import TextError
from astrarium.text import learned_pieces, template_named
from tests.vocabularies import our_tokenizer

TOKENIZER = our_tokenizer()
ASTRAIOS = template_named("astraios", TOKENIZER)


def shown(row: dict[str, object]) -> list[tuple[str, str]]:
    return [
        (TOKENIZER.decode(before, skip_special_tokens=False), TOKENIZER.decode(after, skip_special_tokens=False))
        for before, after in learned_pieces({"source": "a.py:1", **row}, ASTRAIOS)
    ]


def test_a_question_and_a_text() -> None:
    assert shown({"prompt": "What?", "completion": "That."}) == [("Question: What?\n\nAnswer:", " That.")]
    assert shown({"prompt": "", "completion": "def f(): ..."}) == [("", "def f(): ...")]


def test_a_conversation_is_learned_answer_by_answer() -> None:
    messages = [
        {"role": role, "content": content}
        for role, content in (("user", "What?"), ("assistant", "That."), ("user", "Why?"), ("assistant", "So."))
    ]
    assert shown({"prompt": "Why?", "completion": "So.", "messages": messages}) == [
        ("Question: What?\n\nAnswer:", " That."),
        ("Question: What?\n\nAnswer: That.\n\nQuestion: Why?\n\nAnswer:", " So."),
    ]


def test_a_middle_is_written_in_the_marks_of_the_base() -> None:
    row = {"prompt": "a <fim_suffix>", "completion": "<fim_middle> b", "suffix": " c"}
    assert shown(row) == [("<fim_prefix>a <fim_suffix><fim_suffix> c<fim_middle>", "<fim_middle> b")]
    ((before, after),) = learned_pieces({"source": "", **row}, ASTRAIOS)
    marks = [TOKENIZER.id_of(f"<fim_{name}>") for name in ("prefix", "suffix", "middle")]
    assert [token for token in (*before, *after) if token in marks] == marks


def test_a_base_without_the_marks_refuses_middles() -> None:
    plain = template_named("plain", our_tokenizer(specials=("<|endoftext|>",)))
    with pytest.raises(TextError, match="a.py:1 is a middle to fill in, and the base has no tokens for that"):
        learned_pieces({"prompt": "a", "completion": "b", "suffix": "c", "source": "a.py:1"}, plain)
