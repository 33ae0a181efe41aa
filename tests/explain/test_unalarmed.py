"""What looks like a fault and is none, as other people's scripts have it; each beside the fault that it looks like."""

from __future__ import annotations

import json

import pytest

from astrarium.explain import read_text
from tests.explain.test_followed import places

MAGIC = """\
%pip install --upgrade \\
  "transformers" \\
  "peft"
files = !ls \\
    -l
!python train.py \\
    --r 8
print(1)
"""


def test_a_magic_that_goes_on_in_the_next_line() -> None:
    cell = {"cell_type": "code", "source": MAGIC.splitlines(keepends=True), "metadata": {}, "outputs": []}
    text = json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    reading = read_text(text, "book.ipynb")
    assert reading.findings == ()
    assert reading.text.split("\n", 1)[1].startswith(MAGIC)
    assert reading.mended == text
    assert [one.id for one in read_text("import peft\n!ls\n  x = 1\n").findings] == ["syntax-error"]


KBIT = """
config = BitsAndBytesConfig(load_in_4bit=True)
base = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", quantization_config=config)
{before}
model = get_peft_model(base, LoraConfig(r=8, target_modules=["q_proj", "v_proj"]))
{after}
"""
TRAINED = "Trainer(model=model, args=TrainingArguments('out'), train_dataset=[]).train()\nmodel.save_pretrained('out')"


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("", TRAINED, 4),
        ("base.gradient_checkpointing_enable()\nbase.enable_input_require_grads()", TRAINED, None),
        ("", "print(model)", None),
    ],
)
def test_a_quantised_base_that_is_prepared_by_hand_or_not_trained(before: str, after: str, line: int | None) -> None:
    expected = [] if line is None else [("kbit-not-prepared", line)]
    assert places(KBIT.format(before=before, after=after), "kbit-not-prepared") == expected


@pytest.mark.parametrize(
    ("base", "severity"),
    [("meta-llama/Llama-3.2-1B-Instruct", "warning"), ("Qwen/Qwen3-8B", None), ("me/unheard-of", "note")],
)
def test_a_tokenizer_that_puts_nothing_in_front(base: str, severity: str | None) -> None:
    reading = read_text(
        f"from transformers import AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained({base!r})\n"
        "text = tokenizer.apply_chat_template([], tokenize=False)\nids = tokenizer(text).input_ids\n"
    )
    told = [one.severity for one in reading.findings if one.id == "special-tokens-twice"]
    assert told == ([] if severity is None else [severity])


def test_a_checkpoint_that_is_quantised_already() -> None:
    load = "model = AutoModelForCausalLM.from_pretrained({!r}, dtype='float32')\n"
    assert places(load.format("me/qwen3-14b"), "fp32-large-model") == [("fp32-large-model", 1)]
    assert places(load.format("me/qwen3-14b-unsloth-bnb-4bit"), "fp32-large-model") == []
    assert places(load.format("me/Llama-2-13B-GPTQ"), "fp32-large-model") == []


SAVED = """
base = AutoModelForCausalLM.from_pretrained("gpt2")
model = get_peft_model(base, LoraConfig(r=8))
Trainer(model=model, args=TrainingArguments("out"), train_dataset=[]).train()
{adapter}
base.save_pretrained("base")
"""


def test_a_base_that_is_saved_beside_its_adapter() -> None:
    assert places(SAVED.format(adapter=""), "base-saved") == [("base-saved", 5)]
    assert places(SAVED.format(adapter='model.save_pretrained("adapter")'), "base-saved") == []


EVALUATED = """
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
trainer = Trainer(model=model, args=TrainingArguments("out"), train_dataset=[], eval_dataset=[])
trainer.train()
{}
model.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=8)
model.save_pretrained("out")
"""


def test_a_trainer_that_evaluates_leaves_the_model_so() -> None:
    assert places(EVALUATED.format("trainer.save_state()"), "training-mode") == [("training-mode", 6)]
    assert places(EVALUATED.format("print(trainer.evaluate())"), "training-mode") == []


DECODED = """
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
out = model.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=8)
text = tokenizer.decode(out[0], skip_special_tokens=True)
{}
"""


def test_a_text_that_another_function_goes_on_with() -> None:
    assert places(DECODED.format("print(text)"), "prompt-decoded") == [("prompt-decoded", 4)]
    assert places(DECODED.format("print(prompter.get_response(text))"), "prompt-decoded") == []


SEQ2SEQ = """
from peft import TaskType
from elsewhere import make
model = get_peft_model(make(), LoraConfig(r=8, task_type={}))
tokenizer = AutoTokenizer.from_pretrained("google/flan-t5-base")
out = model.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=8)
print(tokenizer.decode(out[0], skip_special_tokens=True))
"""


def test_the_task_tells_what_an_unknown_base_is() -> None:
    assert places(SEQ2SEQ.format("TaskType.CAUSAL_LM"), "prompt-decoded") == [("prompt-decoded", 6)]
    assert places(SEQ2SEQ.format("TaskType.SEQ_2_SEQ_LM"), "prompt-decoded") == []
    assert places(SEQ2SEQ.format("'SEQ_2_SEQ_LM'"), "prompt-decoded") == []


TOKENS = """
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
tokenizer.add_special_tokens({})
model.resize_token_embeddings(len(tokenizer))
model = get_peft_model(model, LoraConfig(r=8))
Trainer(model=model, args=TrainingArguments("out"), train_dataset=[]).train()
model.save_pretrained("out")
"""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ('{"additional_special_tokens": ["<q>"]}', True),
        ('{"eos_token": "<|im_end|>"}', True),
        ('{"pad_token": "<pad>"}', False),
        ('{"eos_token": "</s>", "pad_token": "<pad>"}', False),
        ('{"eos_token": tokenizer.convert_ids_to_tokens(2)}', False),
    ],
)
def test_special_tokens_that_the_base_has(given: str, found: bool) -> None:
    assert bool(places(TOKENS.format(given), "embeddings-not-saved")) is found


def test_an_adapter_that_is_deleted_before_the_next() -> None:
    body = """
    base = AutoModelForCausalLM.from_pretrained("gpt2")
    first = get_peft_model(base, LoraConfig(r=8), adapter_name="a")
    first.save_pretrained("a")
    {}
    second = get_peft_model(base, LoraConfig(r=8), adapter_name="b")
    second.save_pretrained("b")
    """
    assert places(body.format("print(1)"), "adapter-wrapped-twice") == [("adapter-wrapped-twice", 5)]
    assert places(body.format('base.delete_adapters("a")'), "adapter-wrapped-twice") == []


def test_what_the_fork_has_comes_from_here() -> None:
    reading = read_text("from peft import BottleneckConfig, get_peft_model\nprint(BottleneckConfig, get_peft_model)\n")
    assert [one.id for one in reading.findings] == ["name-gone"]
    assert reading.mended.startswith(
        "from astrarium.methods.bottleneck import BottleneckConfig\nfrom peft import get_peft_model\n"
    )
