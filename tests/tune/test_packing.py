"""Rows are laid out whole, end in a learned end token, and see nothing but themselves."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from astrarium.core.errors import TuneError
from astrarium.text import Template
from astrarium.tune.encode import Example, encode_rows
from astrarium.tune.loss import StockPass, mean_loss, token_loss
from astrarium.tune.packing import IGNORED, collate, pack
from tests.methods.tiny import base_of
from tests.vocabularies import our_tokenizer

FAMILIES = ["gpt_bigcode", "llama", "starcoder2", "gpt2", "mistral", "qwen2"]
PAD = 0


@st.composite
def examples(draw: st.DrawFn) -> list[Example]:
    lengths = draw(st.lists(st.integers(2, 12), min_size=1, max_size=12))
    made = []
    for number, length in enumerate(lengths):
        ids = (*tuple(draw(st.integers(0, 9)) for _ in range(length - 1)), PAD)
        made.append(Example(ids, draw(st.integers(0, length - 1)), f"row {number}"))
    return made


@given(rows=examples(), way=st.sampled_from(["pack", "pad"]), seed=st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_every_row_is_there_once_and_whole(rows: list[Example], way: str, seed: int) -> None:
    sequences = pack(rows, 12, way, seed)
    assert sorted(source for sequence in sequences for source in sequence.sources) == sorted(e.source for e in rows)
    by_source = {example.source: example for example in rows}
    for sequence in sequences:
        assert len(sequence.ids) <= 12
        assert way == "pack" or len(sequence.sources) == 1
        for number, source in enumerate(sequence.sources):
            at = [i for i, segment in enumerate(sequence.segments) if segment == number]
            example = by_source[source]
            assert tuple(sequence.ids[i] for i in at) == example.ids
            assert [sequence.positions[i] for i in at] == list(range(len(at)))
            labels = [sequence.labels[i] for i in at]
            first = max(1, example.learned_from)  # nothing predicts a row's first token
            assert labels == [IGNORED] * first + list(example.ids[first:])
            assert labels[-1] == PAD  # the end token is learned though it is the padding token


@given(rows=examples(), seed=st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_concatenation_loses_no_token(rows: list[Example], seed: int) -> None:
    sequences = pack(rows, 10, "concatenate", seed)
    assert all(len(sequence.ids) == 10 for sequence in sequences[:-1])
    joined = [token for sequence in sequences for token in sequence.ids]
    assert sorted(joined) == sorted(token for example in rows for token in example.ids)
    assert all(sequence.labels[0] == IGNORED for sequence in sequences)


def test_best_fit_fills_the_fullest_bin_that_holds_it() -> None:
    rows = [Example((1,) * length, 0, str(length)) for length in (6, 5, 4, 3, 2)]
    sequences = pack(rows, 10, "pack", 0)
    assert sorted(sorted(sequence.sources) for sequence in sequences) == [["2", "3", "5"], ["4", "6"]]


def test_the_mask_of_two_rows_and_padding() -> None:
    rows = [Example((1, 2), 0, "a"), Example((3,), 0, "b")]
    long = Example((1, 2, 3, 4), 0, "c")
    sequence = pack(rows, 4, "pack", 0)[0]
    batch = collate([sequence, pack([long], 4, "pad", 0)[0]], PAD)
    allowed = (batch.attention_mask(torch.float32)[0, 0] == 0).int().tolist()
    assert allowed == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert batch.segments.tolist() == [[0, 0, 1, -1], [0, 0, 0, 0]]
    assert batch.tokens == 7


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_packed_row_gives_the_loss_it_gives_alone(family: str, attention: str) -> None:
    model = base_of(family)
    model.set_attn_implementation(attention)
    generator = torch.Generator().manual_seed(0)
    rows = [
        Example((*torch.randint(1, 128, (length,), generator=generator).tolist(), 0), 2, str(length))
        for length in (5, 9, 7, 12)
    ]
    packed = pack(rows, 30, "pack", 0)
    assert len(packed) == 2
    with torch.no_grad():
        together, count = token_loss(model, collate(packed, PAD))
        single = [token_loss(model, collate(pack([row], 30, "pad", 0), PAD)) for row in rows]
    assert count == sum(tokens for _, tokens in single)
    torch.testing.assert_close(together, sum(loss for loss, _ in single), atol=1e-4, rtol=1e-5)  # type: ignore[arg-type]
    by_hand = 0.0
    with torch.no_grad():
        for row in rows:
            logits = model(torch.tensor([row.ids])).logits[0]
            by_hand += -float(logits.log_softmax(-1)[range(1, len(row.ids) - 1), row.ids[2:]].sum())
    assert float(together) == pytest.approx(by_hand, abs=1e-3)
    assert mean_loss(StockPass(model, PAD), packed, 1) == pytest.approx(by_hand / count, abs=1e-4)


def test_rows_are_encoded_as_they_will_be_asked() -> None:
    tokenizer = our_tokenizer()
    template = Template("astraios", tokenizer)
    rows = [
        {"prompt": "Why?", "completion": "So.", "source": "x"},
        {"prompt": "p", "completion": "c " * 200, "source": "y"},
    ]
    encoded = encode_rows(rows, template, tokenizer, loss="answer", longest=60)  # type: ignore[arg-type]
    assert encoded.too_long == 1
    example = encoded.fitting[0]
    prompt = tokenizer.encode("Question: Why?\n\nAnswer:")
    assert list(example.ids[: len(prompt)]) == prompt
    assert example.learned_from == len(prompt)
    assert tokenizer.decode(example.ids, skip_special_tokens=False) == "Question: Why?\n\nAnswer: So.<|endoftext|>"
    assert example.labels()[-1] == tokenizer.eos_token_id == tokenizer.pad_token_id
    full = encode_rows(rows, template, tokenizer, loss="full", longest=None)  # type: ignore[arg-type]
    assert [e.learned_from for e in full.fitting] == [0, 0]


def test_rows_that_cannot_be_encoded() -> None:
    rows = [{"prompt": "Why?", "completion": "So.", "source": "x"}]
    tokenizer = our_tokenizer()
    with pytest.raises(TuneError, match="none of 1 rows fits into 5 tokens"):
        encode_rows(rows, Template("plain", tokenizer), tokenizer, loss="full", longest=5)  # type: ignore[arg-type]
    with pytest.raises(TuneError, match="none of 1 rows held back fits into 5 tokens"):
        encode_rows(rows, Template("plain", tokenizer), tokenizer, loss="full", longest=5, what="rows held back")  # type: ignore[arg-type]
    endless = our_tokenizer(eos_token=None)
    with pytest.raises(TuneError, match="has no end token"):
        encode_rows(rows, Template("plain", endless), endless, loss="full", longest=None)  # type: ignore[arg-type]
