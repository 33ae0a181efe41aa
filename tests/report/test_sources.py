"""Sources, quotations and what they say in code."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrarium.core.errors import AstrariumError, ReportError
from astrarium.explain.article_library import InstalledLibraries
from astrarium.report.citations import read_sources
from astrarium.report.claims import check_claims

SAVED = """A prompt: use `nothing_of_this`.
**SEARCH_RESULTS_1**:
Title: Tokenizer | docs
URL: https://example.org/a
Snippet: Acceptable values of return_tensors are: 'tf': Return TensorFlow objects. 'pt': torch.

Title: Tokenizer | docs
URL: https://example.org/a
Snippet: BatchEncoding has word_to_tokens.
====== Assistant Response ======

assistant: Use `tokenizer.encode_plus` or `encode_plus`, never `tokenizer.encode`. It is the best!
assistant: Use `tokenizer.encode_plus` or `encode_plus`, never `tokenizer.encode`. It is the best!
**IMPORTANT**: no source
**Response:**
# An article
Text.
- Model: some-model
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "saved.txt").write_text(SAVED)
    return tmp_path / "saved.txt"


def test_the_saved_form_becomes_numbered_sources(saved: Path) -> None:
    sources = read_sources([saved])
    assert [(s.number, s.kind, len(s.passages)) for s in sources] == [
        (1, "page", 2),
        (2, "answer", 1),
        (3, "answer", 1),
    ]
    assert (sources[0].title, sources[0].url) == ("Tokenizer | docs", "https://example.org/a")
    assert sources[2].title.endswith("by some-model")
    assert sources[1].passages[0].line == 12


def test_a_quotation_is_in_its_source_letter_for_letter(saved: Path) -> None:
    answer = read_sources([saved])[1]
    assert answer.quote("It is the best!").line == 12
    with pytest.raises(ReportError, match="source 2 .* does not say 'It is  the best!'"):
        answer.quote("It is  the best!")


def test_code_is_checked_and_prose_is_not(saved: Path) -> None:
    claims = {claim.code: claim for claim in check_claims(read_sources([saved]), InstalledLibraries())}
    assert {code for code, claim in claims.items() if not claim.holds} == {
        'return_tensors="tf"', "encode_plus", "tokenizer.encode_plus",
    }  # fmt: skip
    assert claims['return_tensors="pt"'].holds
    assert claims["tokenizer.encode"].holds
    assert claims["encode_plus"].sources == (2,)
    assert "nothing_of_this" not in claims
    assert not any("best" in code for code in claims)


def test_arguments_and_imports_are_checked(tmp_path: Path) -> None:
    page = """# A page
Call `AutoModelForCausalLM.from_pretrained("x", load_in_8bit=True)`, or `LoraConfig(r=8, lora_alfa=16)`; in
`TrainingArguments` set `evaluation_strategy="steps"`, in your own function `batch_size=4`.

```python
from transformers import AutoModelWithLMHead, Trainer

trainer = Trainer(
    model=model,
    tokenizer=tok,
)
```
"""
    (tmp_path / "page.md").write_text(page)
    claims = {claim.code: claim for claim in check_claims(read_sources([tmp_path / "page.md"]), InstalledLibraries())}
    assert {code for code, claim in claims.items() if not claim.holds} == {
        "AutoModelForCausalLM.from_pretrained(load_in_8bit=True)", "LoraConfig(lora_alfa=16)",
        'evaluation_strategy="steps"', "AutoModelWithLMHead", "Trainer(tokenizer=tok)",
    }  # fmt: skip
    assert claims["LoraConfig(r=8)"].holds
    assert claims["Trainer(model=model)"].holds
    assert "eval_strategy" in claims['evaluation_strategy="steps"'].finding


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, why in (("empty", "is empty"), ("binary", "no UTF-8"), ("missing", "there is no source")):
        with pytest.raises(ReportError, match=why):
            read_sources([tmp_path / name])


@given(st.text("aT:`\n=* URLitlenspt_Snippet.()'\"", max_size=300))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.txt"
    file.write_text(content)
    try:
        sources = read_sources([file])
    except AstrariumError:
        return
    for source in sources:
        for sentence in source.sentences():
            source.quote(sentence)
    check_claims(sources, InstalledLibraries())
