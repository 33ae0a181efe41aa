"""Many questions at once, and what comes back beside text: on the engine and on transformers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import astrarium
from astrarium.core.errors import AdapterError, AstrariumError, EngineError, SourceError, TextError
from astrarium.model import Model, Sampling
from tests.bases import save_adapter, save_base

GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
QUESTIONS = ["One?", "Two is longer than one, is it?", "Three?"]
OPTIONS: dict[str, Any] = {"max_new_tokens": 6, "template": "plain"}


@pytest.fixture(scope="module", params=["engine", "transformers"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("answers")
    base = save_base(folder / "base", "gpt2", **GPT2) if request.param == "transformers" else save_base(folder / "base")
    lora = save_adapter(folder / "lora", base, "lora")
    return astrarium.load(base, {"lora": lora}, format="fp32")  # paths, not texts


def test_many_are_what_each_is_alone(model: Model) -> None:
    names = ["lora", None, "lora"]
    alone = [model.ask(q, adapter=name, **OPTIONS) for q, name in zip(QUESTIONS, names, strict=True)]
    together = model.answers(QUESTIONS, adapter=names, **OPTIONS)
    assert [ticket.text for ticket in together] == alone
    assert [ticket.adapter for ticket in together] == names
    assert [ticket.text for ticket in model.answers(QUESTIONS, **OPTIONS)] == [
        model.ask(question, **OPTIONS) for question in QUESTIONS
    ]
    seeds = [Sampling(temperature=1.0, seed=seed, max_new_tokens=6) for seed in (1, 2, 1)]
    drawn = model.answers(QUESTIONS[:1] * 3, sampling=seeds, template="plain")
    assert drawn[0].tokens == drawn[2].tokens != drawn[1].tokens


def test_why_an_answer_is_over(model: Model) -> None:
    [whole] = model.answers(QUESTIONS[:1], **OPTIONS)
    assert (whole.reason, len(whole.tokens), whole.error) == ("length", 6, None)
    assert model.tokenizer.decode(whole.tokens) == whole.text
    [stopped] = model.answers(QUESTIONS[:1], stop=whole.text[1], **OPTIONS)
    assert (stopped.reason, stopped.text) == ("stop", whole.text[: whole.text.index(whole.text[1])])
    [late] = model.answers(QUESTIONS[:1], time_limit=1e-9, template="plain", max_new_tokens=200)
    assert late.reason == "time"
    assert len(late.tokens) < 200


def test_an_answer_that_the_model_ends(tmp_path: Path) -> None:
    for number, (family, changes) in enumerate([("gpt_bigcode", {}), ("gpt2", GPT2)]):
        base = save_base(tmp_path / str(number), family, **changes)
        model = astrarium.load(base, format="fp32")
        [first] = model.answers(["One?"], **OPTIONS)
        config = base / "generation_config.json"
        config.write_text(f'{{"eos_token_id": {first.tokens[2]}}}')
        [ended] = astrarium.load(base, format="fp32").answers(["One?"], **OPTIONS)
        assert (ended.reason, ended.tokens) == ("end", first.tokens[: first.tokens.index(first.tokens[2])])


@pytest.mark.parametrize("temperature", [0, 1.5])
def test_of_a_base_s_generation_config_only_the_end_counts(tmp_path: Path, temperature: float) -> None:
    for number, (family, changes) in enumerate([("gpt_bigcode", {}), ("gpt2", GPT2)]):
        base = save_base(tmp_path / str(number), family, **changes)
        options = {**OPTIONS, "temperature": temperature}
        expected = astrarium.load(base, format="fp32").ask("One?", **options)
        told = {"repetition_penalty": 30.0, "num_beams": 3, "do_sample": True, "min_p": 0.9, "temperature": 0.1}
        (base / "generation_config.json").write_text(json.dumps({"eos_token_id": 0, **told}))
        assert astrarium.load(base, format="fp32").ask("One?", **options) == expected


@pytest.mark.parametrize("value", ["x", [[1]], {"a": 1}, True, 1.5, [1, "2"]])
def test_an_end_that_is_no_token(tmp_path: Path, value: Any) -> None:
    base = save_base(tmp_path / "base")
    (base / "generation_config.json").write_text(json.dumps({"eos_token_id": value}))
    with pytest.raises(SourceError, match=r"eos_token_id is .* in the base's configuration; expected one id or a list"):
        astrarium.load(str(base))


@pytest.mark.parametrize("question", [None, 3, ["a", "b"], [("role", "user")], {"role": "user"}])
def test_what_is_no_question(model: Model, question: Any) -> None:
    with pytest.raises(TextError, match=r"expected a text, or a conversation of .*; several questions go to answers"):
        model.ask(question)


def test_what_cannot_be_begun(model: Model) -> None:
    with pytest.raises(TextError, match=r"adapter has 2 entries; expected one for each of the 3 questions"):
        model.answers(QUESTIONS, adapter=["lora", None], **OPTIONS)
    with pytest.raises(AdapterError, match="no adapter 'dora' is loaded; loaded are: lora"):
        model.answers(QUESTIONS, adapter="dora", **OPTIONS)
    with pytest.raises(TextError, match="questions is one text; expected a list of them, or use ask"):
        model.answers("One?")
    with pytest.raises(TextError, match="the model's context is 256"):
        model.answers(["One?", "word " * 300], **OPTIONS)
    assert model.answers([]) == []


def test_one_of_many_is_named(tmp_path: Path) -> None:
    model = astrarium.load(save_base(tmp_path))
    with pytest.raises(TextError, match=r"^question 2 of 2: the prompt has \d+ tokens"):
        model.answers(["One?", "word " * 300], **OPTIONS)
    assert not model.engine.busy


def test_log_probabilities(model: Model) -> None:
    with pytest.raises(TextError, match=r"logprobs are not part of a text; Model.answers"):
        model.ask("One?", logprobs=1)
    if "transformers" in "".join(model.notes):
        with pytest.raises(
            EngineError, match=r"logprobs are given by the engine alone; base .* is run by transformers"
        ):
            model.answers(["One?"], logprobs=1, **OPTIONS)
        return
    [ticket] = model.answers(["One?"], logprobs=2, **OPTIONS)
    assert [found.token for found in ticket.logprobs] == ticket.tokens
    assert all(found.likeliest[0] == (found.token, found.value) for found in ticket.logprobs)


def test_a_stream_that_cannot_begin_says_so_before_its_first_piece(model: Model) -> None:
    with pytest.raises(AdapterError, match="no adapter 'dora'"):
        model.stream("One?", adapter="dora")
    with pytest.raises(TextError, match="temperature is -1"):
        model.stream("One?", temperature=-1)
    with pytest.raises(TextError, match="template 'alpaca' is not known"):
        model.stream("One?", template="alpaca")


def test_what_a_model_says_of_itself(model: Model) -> None:
    assert model.format == "fp32"
    assert repr(model) == f"<Model {model.source.name} in fp32, adapters: lora>"


def test_options_that_are_not_there_are_named(tmp_path: Path) -> None:
    base = save_base(tmp_path / "ours")
    with pytest.raises(TypeError, match="unknown options dtype; known are format, adapter_format, device"):
        astrarium.load(base, dtype="bf16")
    with pytest.raises(AdapterError, match=r"adapters is a list; expected names and places, \{'mine': 'runs/mine'\}"):
        astrarium.load(base, ["runs/mine"])  # type: ignore[arg-type]
    other = save_base(tmp_path / "gpt2", "gpt2", **GPT2)
    notes = astrarium.load(other, cache_tokens=64, adapter_format="bf16").notes
    assert "adapter_format, cache_tokens: of the engine, without effect here" in notes
    for device, message in (("gpu", "device 'gpu' is not known"), ("cuda:99", "device 'cuda:99' is not here")):
        for place in (base, other):
            with pytest.raises(AstrariumError, match=message):
                astrarium.load(place, device=device)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": "2"}, "threads is '2'; expected 1 to 1024"),
        ({"threads": 40_000}, "threads is 40000; expected 1 to 1024"),
        ({"device": "mps"}, "device 'mps' is not known; expected cpu, cuda"),
        ({"most_rows": "x"}, "most_rows is 'x'; expected a whole number from 1"),
        ({"cache_tokens": 1.5}, "cache_tokens is 1.5; expected a whole number from 1"),
        ({"cache_tokens": "x"}, "cache_tokens is 'x'; expected a whole number from 1"),
        ({"adapters": {"": "x"}}, "the name of an adapter is ''; expected some text"),
        ({"adapters": {"a": 3}}, "adapter 'a' is at 3; expected a folder or a hub id"),
    ],
)
def test_options_of_loading_of_the_wrong_kind(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(AstrariumError, match=message):
        astrarium.load(str(save_base(tmp_path / "base")), **options)


def test_auto_says_what_it_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRARIUM_CACHE", str(tmp_path / "cache"))  # what is mapped has been said
    base = save_base(tmp_path / "base")
    model = astrarium.load(base)
    assert model.format == "int8" or "torch's" in "".join(model.notes)
    if model.format == "int8":
        assert any("format auto holds its weights in int8, which rounds them" in note for note in model.notes)
    assert not any("rounds" in note for note in astrarium.load(base, format="int8").notes)


def test_requests_join_and_leave(model: Model) -> None:
    if "transformers" in "".join(model.notes):
        with pytest.raises(EngineError, match="is run by transformers; it has no engine"):
            model.submit("One?")
        return
    first = model.submit("One?", adapter="lora", logprobs=0, **OPTIONS)
    model.engine.step()
    second, third = (model.submit(question, adapter=None, **OPTIONS) for question in QUESTIONS[1:])
    model.engine.step()
    model.engine.cancel(third)
    while model.engine.busy:
        model.engine.step()
    assert first.text == model.ask("One?", adapter="lora", **OPTIONS)
    assert second.text == model.ask(QUESTIONS[1], adapter=None, **OPTIONS)
    assert (len(first.logprobs), third.reason) == (6, "cancelled")


def test_a_stream_that_is_left_open_at_the_end_of_a_program(tmp_path: Path) -> None:
    code = "import astrarium, sys; pieces = astrarium.load(sys.argv[1]).stream('One?', temperature=1); next(pieces)"
    base = save_base(tmp_path / "base")
    done = subprocess.run([sys.executable, "-c", code, base], capture_output=True, text=True, check=True)
    assert done.stderr == ""
