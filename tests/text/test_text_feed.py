"""Text out of tokens as they come: pieces join to the whole, nothing is given that later changes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from astrarium.sources import open_base
from astrarium.sources.tokenizer import Tokenizer
from astrarium.text.feed import Feed

WHOLE = ("🙂", "日本語", "é", "👨‍👩‍👧", "naïve", "\N{REPLACEMENT CHARACTER}", "<|im_end|>", " a", "\n")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return open_base("default").tokenizer()


def drawn(data: st.DataObject, tokenizer: Tokenizer) -> list[int]:
    """Any tokens; single bytes, and characters cut anywhere, more often than chance would have them."""
    single = [number for number in map(tokenizer.id_of, pre_tokenizers.ByteLevel.alphabet()) if number is not None]
    cut = st.tuples(st.sampled_from(WHOLE), st.integers(1, 12)).map(lambda pair: tokenizer.encode(pair[0])[: pair[1]])
    any_one = st.integers(0, len(tokenizer) - 1).map(lambda number: [number])
    parts = data.draw(st.lists(any_one | st.sampled_from(sorted(single)).map(lambda one: [one]) | cut, max_size=20))
    return [token for part in parts for token in part]


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_pieces_join_to_the_whole_and_never_change(data: st.DataObject, tokenizer: Tokenizer) -> None:
    tokens = drawn(data, tokenizer)
    whole, feed, given_ = tokenizer.decode(tokens), Feed(tokenizer.decode), ""
    for token in tokens:
        given_ += feed.take(token)
        assert whole.startswith(given_)
    assert given_ + feed.finish() == whole


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_stop_text_across_any_borders(data: st.DataObject, tokenizer: Tokenizer) -> None:
    tokens = drawn(data, tokenizer)
    whole = tokenizer.decode(tokens)
    at = data.draw(st.integers(0, max(0, len(whole) - 1)))
    stop = whole[at : at + data.draw(st.integers(1, 6))]
    if not stop:
        return
    feed, found = Feed(tokenizer.decode, [stop]), ""
    for token in tokens:
        if not feed.stopped:
            found += feed.take(token)
    found += feed.finish()
    assert feed.stopped
    assert found == whole[: whole.find(stop)]


def test_a_decoder_that_strips_the_blank_of_a_text_s_first_word() -> None:
    """As SentencePiece does: what is decoded from the middle on begins otherwise than the middle of the whole."""
    words = [f" word{number}" for number in range(40)]

    def decode(tokens: Sequence[int]) -> str:
        return "".join(words[token] for token in tokens).removeprefix(" ")

    feed, found = Feed(decode), ""
    for token in range(40):
        found += feed.take(token)
    assert found + feed.finish() == decode(range(40))
