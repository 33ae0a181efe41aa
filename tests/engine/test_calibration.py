"""int4 that has read a text: better than int4 that has not, the same each time, and the one the disk gives back."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bases import save_base

from astrarium.core.errors import EngineError
from astrarium.engine import calibration, opening
from astrarium.engine.formats import rounding
from astrarium.engine.formats.layers import QuantisedLinear
from astrarium.engine.formats.panels import GROUP
from astrarium.engine.opening import open_engine
from astrarium.sources import open_base

LLAMA = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128,
}  # fmt: skip
FAMILIES = {
    "gpt_bigcode": {"n_embd": 64, "n_head": 4, "n_positions": 128},
    "llama": LLAMA,
    "starcoder2": LLAMA,
    "qwen2": LLAMA,
}


def panels_of(engine):
    layers = engine.weights.linears
    return {path: layer.panels for path, layer in layers.items() if isinstance(layer, QuantisedLinear)}


def same(some, others):
    return some.keys() == others.keys() and all(
        torch.equal(tensor, others[path].tensors()[name])
        for path, panels in some.items()
        for name, tensor in panels.tensors().items()
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 40), st.integers(1, 5), st.floats(1e-6, 1e4), st.integers(0, 1000))
def test_importance_lowers_the_error_it_weighs(outputs, groups, size, seed):
    torch.manual_seed(seed)
    weight = torch.randn(outputs, groups * GROUP) * size
    importance = torch.exp(2 * torch.randn(groups * GROUP))
    weighed, alike = rounding.int4(weight, importance), rounding.int4(weight)

    def error(panels):
        return float(((panels.values() - weight).double().square() * importance).sum())

    # Both try the same first ranges; where either goes on from there differs, so that one row alone may be the worse.
    tried = error(weighed)
    assert tried <= error(alike)
    assert math.isfinite(tried)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 1000))
def test_the_compiled_rounding_is_that_of_torch(outputs, groups, seed):
    torch.manual_seed(seed)
    weight, importance = torch.randn(outputs, groups * GROUP), torch.rand(groups * GROUP) + 0.01
    compiled = rounding.int4(weight, importance)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounding, "kernels", lambda: None)
        plain = rounding.int4(weight, importance)
    errors = [((panels.values() - weight).square() * importance).sum() for panels in (compiled, plain)]
    # Where two ranges are as good as each other, either may be kept.
    assert torch.allclose(*errors, rtol=1e-3)
    assert torch.equal(compiled.row_scale, plain.row_scale)


def test_every_instruction_set_rounds_as_well(instructions):
    torch.manual_seed(4)
    weight, importance = torch.randn(50, 320), torch.rand(320) + 0.01
    panels = rounding.int4(weight, importance)
    error = ((panels.values() - weight).square() * importance).sum()
    groups = weight.view(50, 10, GROUP)
    low = groups.amin(-1, keepdim=True)
    step = (groups.amax(-1, keepdim=True) - low) / 15
    nearest = (torch.round((groups - low) / step) * step + low).view_as(weight)
    assert 0 < error < 0.9 * ((nearest - weight).square() * importance).sum()
    assert torch.equal(panels.codes, rounding.int4(weight, importance).codes)


@pytest.mark.parametrize("size", [1e-25, 1e-12, 1e-7, 1e-5, 1.0, 1e8])
def test_int8_keeps_its_digits_at_any_size(instructions, size):
    torch.manual_seed(5)
    weight = torch.randn(40, 128) * size
    layer = QuantisedLinear(rounding.int8(weight))
    largest = weight.view(40, 4, GROUP).abs().amax(-1, keepdim=True)
    for values in (layer.values(), layer.panels.values()):
        assert ((values - weight).view(40, 4, GROUP).abs() <= largest / 127 * 0.6).all()
    x = torch.randn(3, 128)
    assert torch.allclose(layer(x), x @ weight.T, atol=0.03 * float((x @ weight.T).abs().max()), rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_reads_a_text_and_says_where_it_cannot(tmp_path, family, monkeypatch):
    folder = save_base(tmp_path / "base", family, **FAMILIES[family])
    source = open_base(str(folder))
    ids = [(7 * i) % 200 + 5 for i in range(100)]
    exact, _ = open_engine(source, weight_format="fp32")
    read, notes = open_engine(source, weight_format="int4")
    assert not any("calibration" in note for note in notes)
    monkeypatch.setattr(opening, "texts_for", lambda *_: ([], "of this test"))
    blind, notes = open_engine(source, weight_format="int4")
    assert any("without calibration, which loses more: of this test" in note for note in notes)
    assert panels_of(read).keys() == panels_of(blind).keys()
    assert not same(panels_of(read), panels_of(blind))
    for path, layer in exact.weights.linears.items():  # biases are kept, and nothing is left unrounded
        rounded = read.weights.linears[path]
        assert not isinstance(rounded, calibration.Unrounded)
        assert (layer.bias is None) == (rounded.bias is None)
        assert layer.bias is None or torch.equal(layer.bias, rounded.bias)
    assert torch.isfinite(read.logits(ids)).all()


def test_what_the_layers_see_is_what_weighs(tmp_path):
    """A linear's own error on the text that was read is less than that of one that was rounded without."""
    folder = save_base(tmp_path / "base", "llama", **{**LLAMA, "hidden_size": 128, "intermediate_size": 256})
    source = open_base(str(folder))
    texts, why_none = calibration.texts_for(source.config, source.tokenizer)
    assert not why_none
    assert len(texts) == calibration.TEXTS
    x = torch.randn(300, 128) * torch.exp(1.5 * torch.randn(128))
    weight = torch.randn(64, 128)
    importance = calibration._importance(x)
    lost = [((panels.values() - weight) @ x.T).square().sum() for panels in (
        rounding.int4(weight, importance), rounding.int4(weight),
    )]  # fmt: skip
    assert lost[0] < 0.8 * lost[1]


def test_the_same_each_time_and_from_disk(tmp_path):
    source = open_base(str(save_base(tmp_path / "base", "llama", **LLAMA)))
    first, _ = open_engine(source, weight_format="int4")
    second, _ = open_engine(source, weight_format="int4", cache=tmp_path / "cache")
    third, _ = open_engine(source, weight_format="int4", cache=tmp_path / "cache")
    assert same(panels_of(first), panels_of(second))
    assert same(panels_of(first), panels_of(third))
    ids = list(range(5, 60))
    assert torch.equal(first.logits(ids), third.logits(ids))


def test_without_a_tokenizer_it_is_said(tmp_path):
    folder = save_base(tmp_path / "base", "llama", **LLAMA)
    for file in folder.glob("*token*"):
        file.unlink()
    engine, notes = open_engine(open_base(str(folder)), weight_format="int4")
    assert engine.format == "int4"
    assert any("int4 is rounded without calibration" in note for note in notes)


def test_a_broken_weight_is_named(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = save_base(tmp_path / "base", "llama", **LLAMA)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"][3, 4] = torch.nan
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineError, match=r"model\.layers\.1\.mlp\.up_proj\.weight: 1 of 6144 weights are not finite"):
        open_engine(open_base(str(folder)), weight_format="int4", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_auto_takes_int4_only_where_it_was_measured(tmp_path, monkeypatch):
    source = open_base(str(save_base(tmp_path / "base", "llama", **LLAMA)))
    engine, notes = open_engine(source)
    assert engine.format == "int8"
    assert any("format auto holds its weights in int8, which rounds them" in note for note in notes)
    monkeypatch.setattr(opening, "MEASURED", 1000)
    engine, notes = open_engine(source)
    assert engine.format == "int4"
    assert any("format auto holds its weights in int4, which rounds them" in note for note in notes)


def test_the_texts_are_not_those_that_quality_is_judged_on():
    source = open_base("default")
    read = {tuple(text) for text in calibration.texts(source.tokenizer(), 8192)}
    from astrarium.bench.benches.quality import _texts

    assert len(read) == calibration.TEXTS
    assert not read & {tuple(text[: calibration.TOKENS]) for text in _texts(512)}
