"""What is mended, and what is left and says why."""

from __future__ import annotations

import textwrap

import libcst as cst
import pytest

from astrarium.explain import read_text
from tests.explain.test_followed import HEAD, told

ASKED = """
base = AutoModelForCausalLM.from_pretrained("gpt2")
tokenizer = AutoTokenizer.from_pretrained("gpt2")
{attached}
inputs = tokenizer("a", return_tensors="pt")
tuned = model.generate(**inputs, max_new_tokens=8)
{asked}
"""
ATTACHED = 'model = PeftModel.from_pretrained(base, "me/lora")'


def mend_of(body: str, id: str) -> tuple[str, str]:
    """What is told to do, and the mended copy without the usual imports."""
    reading = told(body)
    finding = next(one for one in reading.findings if one.id == id)
    again = read_text(reading.mended)
    assert again.mended == reading.mended
    assert finding.fixable is (id not in {one.id for one in again.findings})
    return finding.mend, reading.mended.removeprefix(HEAD)


@pytest.mark.parametrize(
    ("asked", "mended"),
    [
        (
            "plain = base.generate(**inputs, max_new_tokens=8)",
            "with model.disable_adapter():\n    plain = base.generate(**inputs, max_new_tokens=8)",
        ),
        (
            "plain = base.generate(\n    **inputs,\n    max_new_tokens=8,\n)",
            "with model.disable_adapter():\n    plain = base.generate(\n        **inputs,\n"
            "        max_new_tokens=8,\n    )",
        ),
        (
            "if tuned:\n    print(base.generate(**inputs, max_new_tokens=8))",
            "if tuned:\n    with model.disable_adapter():\n        print(base.generate(**inputs, max_new_tokens=8))",
        ),
        (
            "def ask(it):\n    return it.generate(**inputs, max_new_tokens=8)\n\n\nprint(ask(base))",
            "def ask(it):\n    return it.generate(**inputs, max_new_tokens=8)\n\n\n"
            "with model.disable_adapter():\n    print(ask(base))",
        ),
    ],
)
def test_the_base_is_asked_with_the_adapter_off(asked: str, mended: str) -> None:
    mend, text = mend_of(ASKED.format(attached=ATTACHED, asked=asked), "base-changed-in-place")
    assert "--fix" not in mend
    assert text.rstrip().endswith(mended)


@pytest.mark.parametrize(
    ("attached", "asked", "why"),
    [
        (ATTACHED, "if tuned: plain = base.generate(**inputs, max_new_tokens=8)", "no plain line of its own"),
        (ATTACHED, 'plain = base.generate(**inputs, max_new_tokens=8), """a\nb"""', "no plain line of its own"),
        (
            'models = [PeftModel.from_pretrained(base, "me/lora")]\nmodel = models[0]',
            "plain = base.generate(**inputs, max_new_tokens=8)",
            "no name is sure to hold",
        ),
    ],
)
def test_what_is_left_says_why(attached: str, asked: str, why: str) -> None:
    body = ASKED.format(attached=attached, asked=asked)
    mend, text = mend_of(body, "base-changed-in-place")
    assert why in mend
    assert text.rstrip() == textwrap.dedent(body).strip()


ROWS = """
tokenizer = AutoTokenizer.from_pretrained("gpt2")
tokenizer.pad_token = tokenizer.unk_token
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))


def encode(row):
    out = tokenizer(row["text"], padding="max_length", max_length=64{how})
    {labels}
    return out


rows = load().map(encode{mapped})
Trainer(model=model, args=TrainingArguments("out"), train_dataset=rows).train()
model.save_pretrained("out")
"""
LABELS = 'out["labels"] = out["input_ids"].copy()'
ONE = 'out["labels"] = [token if seen else -100 for token, seen in zip(out["input_ids"], out["attention_mask"])]'
MANY = (
    'out["labels"] = [[token if seen else -100 for token, seen in zip(*row)] '
    'for row in zip(out["input_ids"], out["attention_mask"])]'
)
TENSOR = 'out["labels"] = out["input_ids"].masked_fill(out["attention_mask"] == 0, -100)'


@pytest.mark.parametrize(
    ("how", "mapped", "labels", "mended"),
    [
        ("", "", LABELS, ONE),
        ("", ", batched=True", LABELS, MANY),
        (', return_tensors="pt"', ", batched=True", LABELS.replace("copy", "clone"), TENSOR),
        ("", "", 'out["labels"] = out["input_ids"]', ONE),
        ("", "", 'out["labels"] = out.input_ids[:]', ONE.replace('["input_ids"]', ".input_ids").replace(
            '["attention_mask"]', ".attention_mask")),
        ("", ", batched=load()", LABELS, None),
        ("", ", **load()", LABELS, None),
        (", return_attention_mask=False", "", LABELS, None),
        ("", "", 'out["labels"] = list(map(int, out["input_ids"]))', None),
    ],
)  # fmt: skip
def test_labels_are_masked(how: str, mapped: str, labels: str, mended: str | None) -> None:
    body = ROWS.format(how=how, mapped=mapped, labels=labels)
    mend, text = mend_of(body, "padding-in-loss")
    assert ("`--fix` leaves it" in mend) is (mended is None)
    assert text == ROWS.lstrip("\n").format(how=how, mapped=mapped, labels=labels if mended is None else mended)


def test_masked_labels_are_what_they_say() -> None:
    """The code that is written, run on a batch as a tokenizer gives it."""
    import torch

    ids, mask = [[5, 6, 0], [7, 0, 0]], [[1, 1, 0], [1, 0, 0]]
    masked = [[5, 6, -100], [7, -100, -100]]
    for code, out in (
        (MANY, {"input_ids": ids, "attention_mask": mask}),
        (TENSOR, {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}),
    ):
        exec(code, {"out": out})
        labels = out["labels"]
        assert (labels if isinstance(labels, list) else labels.tolist()) == masked
    out = {"input_ids": ids[0], "attention_mask": mask[0]}
    exec(ONE, {"out": out})
    assert out["labels"] == masked[0]


@pytest.mark.parametrize(
    ("labels", "mended"),
    [
        ('batch["input_ids"]', 'batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)'),
        ("batch.input_ids.clone()", "batch.input_ids.masked_fill(batch.attention_mask == 0, -100)"),
        ('batch["input_ids"].to(0)', None),
    ],
)
def test_labels_in_the_call_are_masked(labels: str, mended: str | None) -> None:
    body = """
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
batch = tokenizer(["a", "b c"], padding=True, return_tensors="pt")
model(**batch, labels={}).loss.backward()
model.save_pretrained("out")
"""
    mend, text = mend_of(body.format(labels), "padding-in-loss")
    assert ("`--fix` leaves it" in mend) is (mended is None)
    assert text == body.lstrip("\n").format(labels if mended is None else mended)


@pytest.mark.parametrize(
    ("id", "before", "after"),
    [
        (
            "gradients-on",
            "import torch\nmodel = AutoModelForCausalLM.from_pretrained('gpt2')\nmodel.eval()\n"
            "for batch in load():\n    loss = model(**batch).loss",
            "    with torch.no_grad():\n        loss = model(**batch).loss",
        ),
        (
            "value-gone",
            "import torch\ntokenizer = AutoTokenizer.from_pretrained('gpt2')\n"
            "ids = tokenizer('a', return_tensors='tf')",
            "ids = tokenizer('a', return_tensors='pt')",
        ),
        (
            "learning-rate",
            "model = AutoModelForCausalLM.from_pretrained('gpt2')\n"
            "args = TrainingArguments('out', learning_rate=1e-3)\nTrainer(model, args, train_dataset=[]).train()",
            "args = TrainingArguments('out', learning_rate=2e-5)\nTrainer(model, args, train_dataset=[]).train()",
        ),
        (
            "quantised-moved",
            "model = AutoModelForCausalLM.from_pretrained('gpt2', quantization_config="
            "BitsAndBytesConfig(load_in_8bit=True))\nmodel.half()\nprint(model)",
            "(load_in_8bit=True))\nprint(model)",
        ),
        (
            "prompt-decoded",
            "tokenizer = AutoTokenizer.from_pretrained('gpt2', padding_side='left')\n"
            "model = AutoModelForCausalLM.from_pretrained('gpt2')\n"
            "batch = tokenizer(['a', 'b'], padding=True, return_tensors='pt')\n"
            "out = model.generate(**batch, max_new_tokens=8)\n"
            "print(tokenizer.batch_decode(out, skip_special_tokens=True))",
            'print(tokenizer.batch_decode(out[:, batch["input_ids"].shape[-1]:], skip_special_tokens=True))',
        ),
    ],
)
def test_small_changes(id: str, before: str, after: str) -> None:
    _, text = mend_of(before, id)
    assert text.rstrip().endswith(after)
    cst.parse_module(text)


def test_a_call_that_is_all_of_a_block_is_not_taken_out() -> None:
    body = """
    model = AutoModelForCausalLM.from_pretrained("gpt2", quantization_config=BitsAndBytesConfig(load_in_8bit=True))
    if model:
        model.half()
    """
    reading = told(body)
    assert [one.fixable for one in reading.findings if one.id == "quantised-moved"] == [False]


def test_the_base_that_an_adapter_names_is_put_in_everywhere(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path)) / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(
        '{"peft_type": "LORA", "base_model_name_or_path": "meta-llama/Llama-2-7b-hf"}'
    )
    body = f"""
base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-13b-hf")
tokenizer = AutoTokenizer.from_pretrained('meta-llama/Llama-2-13b-hf')
model = PeftModel.from_pretrained(base, {str(folder)!r})
"""
    _, text = mend_of(body, "adapter-wrong-base")
    assert text == body.lstrip("\n").replace("13b", "7b")


@pytest.mark.parametrize(("quote", "key"), [('"', "'"), ("'", '"')])
def test_a_mend_in_an_f_string_has_the_other_quotes(quote: str, key: str) -> None:
    body = f"""
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
batch = tokenizer("a", return_tensors="pt")
out = model.generate(**batch, max_new_tokens=8)
print(f{quote}{{tokenizer.decode(out[0], skip_special_tokens=True)}}{quote})
"""
    _, text = mend_of(body, "prompt-decoded")
    assert f"out[0][batch[{key}input_ids{key}].shape[-1]:]" in text
    compile(text, "mended", "exec")
