"""`astrarium.load(...)` and the Model it returns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

import astrarium
from astrarium.core.errors import AdapterError, SourceError, TextError
from astrarium.methods import METHODS
from astrarium.model import Conversation, Sampling, base_for
from tests.bases import save_adapter, save_base
from tests.vocabularies import small_tokenizer

ADAPTERS = [method for method in METHODS if method != "fft"]
QUESTION = "Please write a function in Python that performs bubble sort."
OPTIONS = {"max_new_tokens": 12, "template": "astraios"}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("bases")
    base = save_base(folder / "base")
    adapters = {method: str(save_adapter(folder / method, base, method)) for method in ADAPTERS}
    return {"base": str(base), **adapters}


def expected(places: dict[str, str], method: str | None) -> str:
    """The same, written by hand with transformers and peft."""
    tokenizer = small_tokenizer()
    model: Any = AutoModelForCausalLM.from_pretrained(places["base"])
    if method is not None:
        model = PeftModel.from_pretrained(model, places[method])
    inputs = tokenizer(f"Question: {QUESTION}\n\nAnswer:", return_tensors="pt")
    with torch.no_grad():
        out = model.generate(**inputs, max_new_tokens=12, do_sample=False, pad_token_id=0)
    return str(tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def test_each_adapter_answers_as_with_peft_and_the_base_stays_the_base(places: dict[str, str]) -> None:
    model = astrarium.load(places["base"], format="fp32", adapters={method: places[method] for method in ADAPTERS})
    answers = {None: expected(places, None), **{method: expected(places, method) for method in ADAPTERS}}
    assert len(set(answers.values())) > 4
    for name in [None, *ADAPTERS, None, *reversed(ADAPTERS)]:
        assert model.ask(QUESTION, adapter=name, **OPTIONS) == answers[name]
    assert model.adapters == tuple(ADAPTERS)


def test_two_adapters_of_one_method(places: dict[str, str], tmp_path: Path) -> None:
    other = save_adapter(tmp_path / "other", Path(places["base"]), "adapterh", seed=7)
    model = astrarium.load(places["base"], {"a": places["adapterh"], "b": str(other)})
    a, b = (model.ask(QUESTION, adapter=name, **OPTIONS) for name in "ab")
    assert a == expected(places, "adapterh") != b
    assert model.ask(QUESTION, adapter="a", **OPTIONS) == a


def test_the_only_adapter_is_taken_and_several_must_be_named(places: dict[str, str]) -> None:
    model = astrarium.load(places["base"], places["parallel"])
    assert model.ask(QUESTION, **OPTIONS) == expected(places, "parallel")
    model.add_adapter("second", places["lora"])
    with pytest.raises(
        AdapterError, match="several adapters are loaded; name one of: adapter, second, or None for the base"
    ):
        model.ask(QUESTION, **OPTIONS)
    with pytest.raises(AdapterError, match="no adapter 'third' is loaded; loaded are: adapter, second"):
        model.ask(QUESTION, adapter="third", **OPTIONS)
    with pytest.raises(AdapterError, match="there is an adapter 'second' already"):
        model.add_adapter("second", places["ia3"])


def test_pieces_join_to_the_answer_and_can_be_left_alone(places: dict[str, str]) -> None:
    model = astrarium.load(places["base"])
    whole = model.ask(QUESTION, **OPTIONS)
    assert "".join(model.stream(QUESTION, **OPTIONS)) == whole
    pieces = model.stream(QUESTION, max_new_tokens=150, template="astraios")
    next(pieces)
    pieces.close()
    assert model.ask(QUESTION, **OPTIONS) == whole


def test_a_stop_text_ends_the_answer_before_itself(places: dict[str, str]) -> None:
    model = astrarium.load(places["base"])
    options = {"max_new_tokens": 40, "template": "astraios"}
    whole = model.ask(QUESTION, **options)
    for start in (3, 11):
        stop = whole[start : start + 5]
        assert model.ask(QUESTION, stop=(stop,), **options) == whole[: whole.index(stop)]
        assert "".join(model.stream(QUESTION, stop=("never", stop), **options)) == whole[: whole.index(stop)]


def test_sampling_is_seeded(places: dict[str, str]) -> None:
    model = astrarium.load(places["base"])
    options = {**OPTIONS, "temperature": 1.5, "top_p": 0.95}
    torch.manual_seed(99)
    state = torch.random.get_rng_state()
    answers = [model.ask(QUESTION, seed=seed, **options) for seed in (1, 1, 2)]
    assert answers[0] == answers[1] != answers[2]
    assert torch.equal(torch.random.get_rng_state(), state)  # the caller's random stream is left alone


def test_completion_in_the_middle_and_from_the_prefix(places: dict[str, str]) -> None:
    model = astrarium.load(places["base"])
    middle = model.complete("def area(r):\n    return ", "\n", max_new_tokens=8)
    plain = model.complete("def area(r):\n    return ", prefix_only=True, max_new_tokens=8)
    assert middle
    assert middle != plain


def test_the_embedded_default_has_no_fill_in_the_middle() -> None:
    model = astrarium.load()
    with pytest.raises(TextError, match=r"base default has no fill-in-the-middle tokens.*--prefix-only"):
        model.complete("def area(r):\n    return ", "\n")
    assert model.complete("def area(r):\n    return ", prefix_only=True, max_new_tokens=4)


def test_an_adapter_for_another_base(places: dict[str, str], tmp_path: Path) -> None:
    wider = save_base(tmp_path / "wider", n_embd=64)
    deeper = save_base(tmp_path / "deeper", n_layer=3)
    shallow = save_base(tmp_path / "shallow", n_layer=1)
    shape = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    other = save_base(tmp_path / "llama", "llama", **shape)
    for method in ADAPTERS:
        for base in (wider, deeper, shallow, other):
            if method == "ptuning" and base == other:
                continue  # its configuration names the same width, layers and heads
            model = astrarium.load(str(base))
            alone = model.ask("Hi", max_new_tokens=6, template="plain")
            with pytest.raises(
                AdapterError, match=rf"adapter .*{method}, made for .*, does not fit base {base}"
            ) as caught:
                model.add_adapter("x", places[method])
            assert "\n" not in str(caught.value)
            assert model.adapters == ()
            assert model.ask("Hi", max_new_tokens=6, template="plain") == alone


def test_an_adapter_that_another_training_writes_over(places: dict[str, str], tmp_path: Path) -> None:
    """Held, it stays what it was; read again, it is not taken for the same."""
    folder, base = tmp_path / "a", Path(places["base"])
    save_adapter(folder, base, "lora")
    model = astrarium.load(places["base"], {"a": str(folder), "ia3": places["ia3"]}, format="fp32")
    ids = list(range(5, 90))
    before = model.engine.logits(ids, adapter="a")
    weights = folder / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(b"")  # in its place, as cp does
    assert torch.equal(model.engine.logits(ids, adapter="a"), before)
    weights.write_bytes(content)
    small = astrarium.load(places["base"], {"a": str(folder), "ia3": places["ia3"]}, format="fp32", adapter_bytes=1)
    assert torch.equal(small.engine.logits(ids, adapter="a"), before)
    small.engine.logits(ids, adapter="ia3")  # takes its place in memory
    save_adapter(folder, base, "lora", seed=9)
    with pytest.raises(AdapterError, match=r"adapter 'a' is not what was loaded: .* has changed; drop it and add it"):
        small.engine.logits(ids, adapter="a")
    small.drop_adapter("a")
    small.add_adapter("a", str(folder))
    assert not torch.allclose(small.engine.logits(ids, adapter="a"), before)


def test_another_name_of_the_base_is_said(places: dict[str, str], tmp_path: Path) -> None:
    twin = save_base(tmp_path / "twin")
    notes = astrarium.load(str(twin), places["lora"]).notes
    assert any("as its base; here it runs on" in note for note in notes)
    assert astrarium.load(places["base"], places["lora"], format="fp32").notes == []


def named(folder: Path, adapter: str, base: str, **metadata: str) -> str:
    """A copy of an adapter that names another base."""
    shutil.copytree(adapter, folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": base}))
    if metadata:
        (folder / "astrarium.json").write_text(json.dumps({"base": base, **metadata}))
    return str(folder)


@pytest.mark.parametrize(
    ("folder", "made_for"),
    [
        ("starcoderbase-3b", "bigcode/starcoderbase-1b"),
        ("starcoderbase-1b", "HuggingFaceTB/SmolLM2-135M"),
        ("starcoderbase-1b", "/elsewhere/starcoderbase-7b/"),
        ("starcoderbase-1b", "default"),
    ],
)
def test_a_name_that_speaks_of_another_base(places: dict[str, str], tmp_path: Path, folder: str, made_for: str) -> None:
    shutil.copytree(places["base"], tmp_path / folder)
    for number, digest in enumerate(({}, {"base_digest": "sha256:0"})):
        adapter = named(tmp_path / f"adapter{number}", places["lora"], made_for, **digest)
        model = astrarium.load(str(tmp_path / folder), places["ia3"], format="fp32")
        with pytest.raises(
            AdapterError, match=rf"was made for {made_for}, and this base is .*{folder}; load that one.*--any-base"
        ):
            model.add_adapter("lora", adapter)
        assert model.adapters == ("adapter",)
        model.add_adapter("lora", adapter, any_base=True)
        assert made_for in model.notes[-1]
        assert model.ask(QUESTION, adapter="lora", **OPTIONS) == expected(places, "lora")


@pytest.mark.parametrize(
    "made_for",
    ["bigcode/StarCoderBase-1B", "mirror/starcoderbase-1b", "somebody/their-model", "C:\\m\\starcoderbase-1b"],
)
def test_a_name_that_proves_nothing_is_said(places: dict[str, str], tmp_path: Path, made_for: str) -> None:
    base = shutil.copytree(places["base"], tmp_path / "starcoderbase-1b")
    adapter = named(tmp_path / "adapter", places["lora"], made_for)
    notes = astrarium.load(str(base), adapter, format="fp32").notes
    assert notes == [f"adapter {adapter} names {made_for} as its base; here it runs on {base}"]


def test_the_embedded_default_is_a_model_of_the_hub(places: dict[str, str], tmp_path: Path) -> None:
    model = astrarium.load()
    for number, made_for in enumerate(
        ("bigcode/starcoderbase-1b", "HuggingFaceTB/SmolLM2-135M", "somebody/their-model")
    ):
        with pytest.raises(AdapterError, match=f"was made for {made_for}, and this base is default"):
            model.add_adapter("x", named(tmp_path / str(number), places["lora"], made_for))
    with pytest.raises(AdapterError, match="does not fit base default"):  # of its name, not of its shape
        model.add_adapter("x", named(tmp_path / "own", places["lora"], "HuggingFaceTB/SmolLM2-135M-Instruct"))


def test_a_prompt_that_leaves_no_room(places: dict[str, str]) -> None:
    model = astrarium.load(places["base"], places["ptuning"])
    with pytest.raises(TextError, match=r"the prompt has \d+ tokens; the model's context is 256"):
        model.ask("word " * 400, template="plain")
    long = model.ask("x", template="plain", max_new_tokens=10_000)
    assert isinstance(long, str)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens is 0; expected 1 or more"),
        ({"temperature": -1.0}, "temperature is -1.0; expected a number from 0"),
        ({"top_p": 0.0}, "top_p is 0.0; expected above 0"),
        ({"seed": -1}, "seed is -1"),
        ({"stop": ("",)}, "stop is"),
        ({"min_new_tokens": 300}, "min_new_tokens is 300; expected 0 to 256"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TextError, match=message):
        Sampling(**options)


def test_an_unknown_option_is_no_silence(places: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="unknown options temprature"):
        astrarium.load(places["base"]).ask("Hi", temprature=0.3)


def test_a_conversation_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: dict[str, str]) -> None:
    monkeypatch.setenv("ASTRARIUM_CACHE", str(tmp_path))
    with pytest.raises(TextError, match="there is no conversation to continue"):
        Conversation.resume()
    talk = Conversation("b", "a", "plain")
    talk.add("user", "Why?")
    talk.save()
    assert Conversation.resume() == talk
    assert (tmp_path / "conversation.json").stat().st_mode & 0o777 == 0o600  # for nobody else to read
    (tmp_path / "conversation.json").write_text("{")
    with pytest.raises(TextError, match="cannot be read"):
        Conversation.resume()
    assert base_for(None) == "default"
    assert base_for(places["lora"]) == places["base"]
    with pytest.raises(SourceError, match="it is no adapter"):
        base_for(places["base"])
