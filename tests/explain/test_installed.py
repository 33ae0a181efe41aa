"""The index against the installed libraries themselves, and the facts that rules rest on, tried out."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import pytest

from astrarium.explain import read_text, signature
from astrarium.explain.index import store
from astrarium.explain.index.library import library
from astrarium.explain.rules.current import DROPPED, GONE_METHODS, NEW_ARGUMENTS, NEW_NAMES
from astrarium.explain.rules.wrappers import ROW_WISE


def test_nothing_is_imported() -> None:
    code = (
        "import sys; from astrarium import explain\n"
        "explain.read_text('from peft import PeftModel\\nfrom transformers import AdamW\\nm = PeftModel()\\n')\n"
        "explain.signature('peft.get_peft_model')\n"
        "print([name for name in ('torch', 'transformers', 'peft', 'griffe') if name in sys.modules])"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # makes the index where there is none
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_signatures() -> None:
    found = signature("peft.get_peft_model")
    assert found is not None
    assert found.file == "peft/mapping_func.py"
    assert [parameter.name for parameter in found.parameters][:3] == ["model", "peft_config", "adapter_name"]
    assert found.summary.startswith("Returns a Peft model object")
    assert found.text().startswith("get_peft_model(model, peft_config, adapter_name='default'")
    assert signature("transformers.AutoModelForCausalLM.from_pretrained") is not None
    assert signature("transformers.no_such_thing") is None
    assert signature("numpy.array") is None


def test_the_index_is_kept_and_a_broken_one_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRARIUM_CACHE", str(tmp_path))
    store.index_of.cache_clear()
    found = store.installed("accelerate")
    assert found is not None
    file = store.index_file("accelerate", *found)
    assert found[1] in file.name
    first = store.index_of("accelerate")
    assert first is not None
    assert first.release == found[1]
    kept = file.read_bytes()
    heading = kept[: kept.index(b"\n")]
    for broken in (b'{"format": ', kept[:-1], heading, kept.replace(b'"format":', b'"form":', 1), b"[]\n"):
        file.write_bytes(broken)
        store.index_of.cache_clear()
        again = store.index_of("accelerate")
        assert again is not None
        assert dict(again.objects()) == dict(first.objects())
        assert file.read_bytes() == kept
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    store.index_of.cache_clear()
    assert store.index_of("no_such_package_here") is None


def test_tables_of_successors_hold_for_the_installed_versions() -> None:
    transformers, peft = library("transformers"), library("peft")
    assert transformers is not None
    assert peft is not None
    for new in NEW_NAMES["peft"].values():
        assert peft.has(new) or new in ("MissModel",)
    assert not peft.has("prepare_model_for_int8_training")
    fields = {field.name for field in transformers.fields("TrainingArguments")}
    gone = {"evaluation_strategy", "no_cuda", "per_gpu_train_batch_size", "warmup_ratio", "push_to_hub_token"}
    assert not gone & fields
    assert {NEW_ARGUMENTS[name] for name in gone} <= fields
    assert not {"overwrite_output_dir", "logging_dir", "fp16_backend"} & fields
    assert {"overwrite_output_dir", "logging_dir", "fp16_backend"} <= DROPPED
    for method in ("encode_plus", "batch_encode_plus", "as_target_tokenizer"):
        assert method in GONE_METHODS
        assert transformers.has_member("PreTrainedTokenizerBase", method) is False
    assert transformers.has_member("PreTrainedTokenizerBase", "encode") is True
    assert transformers.constants["TensorType"] == ["pt", "np", "mlx"]
    assert {"torch_dtype": "dtype"}.items() <= transformers.renamed["transformers.modeling_utils"].items()


@pytest.mark.slow
def test_names_are_what_the_libraries_export() -> None:
    """No name that can be imported is called gone."""
    import peft
    import transformers

    for module in (transformers, peft):
        found = library(module.__name__)
        assert found is not None
        public = {name for name in dir(module) if not name.startswith("_") and name.isidentifier()} - {"DummyObject"}
        assert {name for name in public if not found.has(name)} == set()


@pytest.mark.slow
def test_parameters_are_what_the_libraries_have() -> None:
    import peft
    import transformers

    for module, names in (
        (transformers, ["TrainingArguments", "Trainer", "pipeline", "BitsAndBytesConfig", "Seq2SeqTrainingArguments"]),
        (
            peft,
            ["LoraConfig", "IA3Config", "PromptTuningConfig", "PromptEncoderConfig", "get_peft_model", "AdaLoraConfig"],
        ),
    ):
        for name in names:
            found = signature(f"{module.__name__}.{name}")
            assert found is not None
            real = list(inspect.signature(getattr(module, name)).parameters)
            assert sorted(parameter.name for parameter in found.parameters) == sorted(real), name


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.bases import save_adapter, save_base

    folder = tmp_path_factory.mktemp("facts")
    base = save_base(folder / "base")
    for method in ("lora", "ia3", "ptuning", "parallel"):
        save_adapter(folder / method, base, method)
    return folder


def _logits(model: Any, folder: Path, **given: Any) -> Any:
    import torch
    from transformers import AutoTokenizer

    with torch.no_grad():
        return model(**AutoTokenizer.from_pretrained(folder / "base")("def f(", return_tensors="pt"), **given).logits


def _base(folder: Path, **given: Any) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder / "base", **given)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "in_place"), [("lora", True), ("ia3", True), ("parallel", True), ("ptuning", False)]
)
def test_which_methods_change_the_base(tiny: Path, method: str, in_place: bool) -> None:
    import torch
    from peft import PeftModel

    base = _base(tiny)
    before = _logits(base, tiny)
    model = PeftModel.from_pretrained(base, tiny / method)
    assert not model.training
    assert torch.allclose(_logits(base, tiny), before, atol=1e-4) is not in_place


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "ia3", "ptuning", "parallel"])
def test_which_methods_read_adapter_names(tiny: Path, method: str) -> None:
    import torch
    from peft import PeftModel

    model = PeftModel.from_pretrained(_base(tiny), tiny / method)
    same = torch.allclose(_logits(model, tiny, adapter_names=["__base__"]), _logits(model, tiny), atol=1e-4)
    kind = {"lora": "LORA", "ia3": "IA3", "ptuning": "P_TUNING", "parallel": "BOTTLENECK"}[method]
    assert same is (kind not in ROW_WISE)


def _twice(folder: Path) -> Any:
    from peft import PeftModel

    once = PeftModel.from_pretrained(_base(folder), folder / "lora")
    return PeftModel.from_pretrained(once, folder / "lora", adapter_name="b")


@pytest.mark.slow
def test_the_other_facts_about_wrappers(tiny: Path, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors import safe_open

    model = PeftModel.from_pretrained(_base(tiny), tiny / "lora")
    alone = _logits(model, tiny)
    model.load_adapter(tiny / "lora", adapter_name="two")
    assert model.active_adapter == "default"  # adapter-not-active
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        twice = _twice(tiny)
    assert any("Found missing adapter keys" in str(one.message) for one in told)
    assert not torch.allclose(_logits(twice, tiny), alone, atol=1e-3)  # adapter-wrapped-twice
    model = PeftModel.from_pretrained(_base(tiny), tiny / "lora")
    assert not [name for name, one in model.named_parameters() if one.requires_grad]  # adapter-frozen
    model.merge_and_unload()
    model.save_pretrained(tmp_path / "merged")
    with safe_open(tmp_path / "merged" / "adapter_model.safetensors", "pt") as file:
        assert list(file.keys()) == []  # merge-unused
    base = _base(tiny)
    get_peft_model(base, LoraConfig(target_modules=["c_attn"], task_type="CAUSAL_LM"))
    base.save_pretrained(tmp_path / "base")
    assert not (tmp_path / "base" / "adapter_config.json").exists()  # base-saved


@pytest.mark.slow
def test_the_facts_about_loading_and_generating(tiny: Path) -> None:
    import torch
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    tokenizer = AutoTokenizer.from_pretrained(tiny / "base")
    batch = tokenizer("def f(", return_tensors="pt")
    assert batch.to("cpu") is batch  # to-unused
    model = _base(tiny)
    assert model.dtype == torch.float32
    model.to(torch.bfloat16).save_pretrained(tiny / "half")
    from transformers import AutoModelForCausalLM

    assert AutoModelForCausalLM.from_pretrained(tiny / "half").dtype == torch.bfloat16  # dtype="auto" is the default
    model = _base(tiny)
    model.generation_config.eos_token_id = None
    with pytest.warns(UserWarning, match="model-agnostic default"):
        out = model.generate(**batch, do_sample=False)
    assert out.shape[1] == batch.input_ids.shape[1] + 20  # no-max-new-tokens
    with pytest.raises(ValueError, match="max_new_token"):
        model.generate(**batch, max_new_token=3)
    with pytest.raises(TypeError, match="load_in_4bit"):
        _base(tiny, load_in_4bit=True)
    with pytest.raises(ValueError, match="tf is not a valid TensorType"):
        tokenizer("a", return_tensors="tf")
    for method in ("encode_plus", "batch_encode_plus", "as_target_tokenizer"):
        assert not hasattr(tokenizer, method)
    tokenizer.pad_token = tokenizer.eos_token
    labels = DataCollatorForLanguageModeling(tokenizer, mlm=False)([{"input_ids": [3, 4, tokenizer.eos_token_id]}])
    assert labels["labels"].tolist() == [[3, 4, -100]]  # pad-is-eos


@pytest.mark.slow
def test_what_the_installed_packages_show_in_their_docstrings_is_not_drowned() -> None:
    """Of all examples in docstrings that parse, few draw an error or a warning, and every gone name is really gone."""
    import importlib

    shown = alarmed = 0
    for package in ("peft", "transformers"):
        root = store.installed(package)
        assert root is not None
        for file in sorted(root[0].rglob("*.py")):
            for code in _examples(file.read_text(encoding="utf-8", errors="replace")):
                findings = [one for one in read_text(code, mend=False).findings if one.severity != "note"]
                if any(one.id == "syntax-error" for one in findings):
                    continue
                shown += 1
                for one in findings:
                    gone = re.match(r"(transformers|peft) [\d.]+ has no (\w+)", one.message)
                    assert gone is None or not hasattr(importlib.import_module(gone[1]), gone[2]), one.message
                alarmed += bool([one for one in findings if one.id != "name-gone"])
    assert shown > 1500
    assert alarmed / shown < 0.06


def _examples(text: str) -> list[str]:
    found = []
    for block in re.findall(r"```(?:py|python)\n(.*?)```", text, re.DOTALL):
        code = textwrap.dedent(block)
        if ">>>" in code:
            code = "\n".join(line[4:] for line in code.split("\n") if line.startswith((">>>", "...")))
        if "import" in code and ("transformers" in code or "peft" in code):
            found.append(code)
    return found
