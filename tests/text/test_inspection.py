"""The token table says what the tokenizer says."""

from __future__ import annotations

import json

import pytest

from astrarium.core.errors import TextError
from astrarium.text import decode_ids, inspect_text, tokens
from tests.vocabularies import our_tokenizer, small_tokenizer

TOKENIZER = our_tokenizer()
THEIRS = small_tokenizer()
TEXT = "def area(r):\n    return r<|endoftext|>"


def test_one_text() -> None:
    row = inspect_text([TEXT], TOKENIZER).rows[0]
    call = THEIRS(TEXT, return_offsets_mapping=True)
    assert [token.id for token in row.tokens] == call["input_ids"] == list(row.encoded)
    assert [token.piece for token in row.tokens] == THEIRS.convert_ids_to_tokens(call["input_ids"])
    assert "".join(TEXT[token.start : token.end] for token in row.tokens) == TEXT
    assert [token.word for token in row.tokens] == call.word_ids()
    assert [token.special for token in row.tokens] == [False] * (len(row.tokens) - 1) + [True]
    assert row.decoded == TEXT
    assert row.decoded_without_specials == "def area(r):\n    return r"
    for word, (start, end) in enumerate(row.words):
        assert all(token.word == word for token in row.tokens[start:end])


def test_a_batch_is_padded_and_masked() -> None:
    table = inspect_text(["def", "def area(r)"], TOKENIZER)
    short, long = table.rows
    assert len(short.tokens) == len(long.tokens)
    real = len(THEIRS("def")["input_ids"])
    assert [t.attention for t in short.tokens] == [1] * real + [0] * (len(long.tokens) - real)
    assert all(t.start is None and t.special for t in short.tokens[real:])
    assert table.padding_side == "right"
    assert table.batch_decoded[1] == "def area(r)"
    json.dumps(table.to_dict())


def test_the_default_base_and_an_empty_text() -> None:
    table = tokens("x = 12")
    assert [token.text for token in table.rows[0].tokens] == ["x", " =", " ", "1", "2"]
    assert tokens("").rows[0].tokens == ()


def test_ids_become_text_again() -> None:
    ids = THEIRS(TEXT)["input_ids"]
    decoded = decode_ids(ids, TOKENIZER)
    assert decoded["decoded"] == TEXT
    assert decoded["pieces"] == THEIRS.convert_ids_to_tokens(ids)
    for number in (-1, len(TOKENIZER)):
        with pytest.raises(
            TextError, match=rf"id {number} is outside the vocabulary; it has the ids 0 to {len(TOKENIZER) - 1}"
        ):
            decode_ids([number], TOKENIZER)


def test_several_texts_need_a_padding_token() -> None:
    with pytest.raises(TextError, match="no padding token"):
        inspect_text(["a", "b c d"], our_tokenizer(pad_token=None))
