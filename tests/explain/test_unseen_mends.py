"""What the last unseen scripts showed: methods said by name, parentheses, what a dict holds, and true sentences."""

from __future__ import annotations

import pytest

from astrarium.explain import read_text
from tests.explain.test_followed import HEAD, told

SAID = "from peft import PeftConfig, get_peft_config, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"


@pytest.mark.parametrize(
    "made",
    [
        'PeftConfig(peft_type="BOTTLENECK")',
        'get_peft_config({"r": 8, "peft_type": "BOTTLENECK"})',
        "get_peft_config(config_dict=settings)",
    ],
)
def test_a_method_named_by_its_type(made: str) -> None:
    text = f'{SAID}settings = {{"peft_type": "bottleneck"}}\nconfig = {made}\n'
    reading = read_text(text)
    assert [one.id for one in reading.findings] == ["adapter-method-unknown"]
    assert reading.mended == f"import astrarium\n{text}"
    assert not read_text(reading.mended).findings
    assert not read_text(text.replace("bottleneck", "LORA").replace("BOTTLENECK", "LORA")).findings


@pytest.mark.parametrize("row", ["model = load(make(name, adapter)", "print(ask(base(name, 3))"])
def test_a_parenthesis_with_several_places_is_left(row: str) -> None:
    text = f'{HEAD}name = "gpt2\n{row}\nmodel = 1\n'
    reading = read_text(text)
    assert reading.mended == text
    assert [(one.line, one.fixable) for one in reading.findings] == [(5, False), (6, False)]
    assert "several places" in reading.findings[-1].message


@pytest.mark.parametrize("row", ["x = f(g(a, b), c", "x = f(g(a, key=b)", "x = f([a, b], (a, b)", 'x = f("a"'])
def test_a_parenthesis_with_one_place_is_closed(row: str) -> None:
    assert read_text(f"{HEAD}{row}\ny = 1\n").mended == f"{HEAD}{row})\ny = 1\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("dict(output_dir='o', overwrite_output_dir=True)", "dict(output_dir='o')"),
        ("{'overwrite_output_dir': True, 'output_dir': 'o'}", "{'output_dir': 'o'}"),
    ],
)
def test_what_is_gone_leaves_the_dict(before: str, after: str) -> None:
    text = f"{HEAD}common = {{}}\nargs = TrainingArguments(**common, bf16=True)\n"
    assert read_text(text.format(before)).mended == text.format(after)
    used = f"{text.format(before)}print(common['overwrite_output_dir'])\n"
    assert read_text(used).mended == used


def test_tensorflow_s_tensors_stay_where_tensorflow_goes_on() -> None:
    text = 'tok = AutoTokenizer.from_pretrained("gpt2")\nids = tok("a", return_tensors="tf")\n'
    alone = "from transformers import AutoTokenizer\n" + text
    assert read_text(alone).mended == alone.replace('"tf"', '"pt"')
    both = "import tensorflow as tf\n" + alone
    assert read_text(both).mended == both


def test_sentences_are_true() -> None:
    quantised = "BitsAndBytesConfig(load_in_8bit=True)"
    cast = told(f"model = AutoModelForCausalLM.from_pretrained('gpt2', quantization_config={quantised}).half()\n")
    assert ["cast" in one.mend for one in cast.findings if one.id == "quantised-moved"] == [True]
    body = """
    tokenizer = AutoTokenizer.from_pretrained("{0}")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("{0}")
    model.train()
    model.generate(**tokenizer("a", return_tensors="pt"), max_new_tokens=8)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    Trainer(model=model, args=TrainingArguments("out"), train_dataset=[], data_collator=collator).train()
    """
    for base, own in (("bigcode/starcoderbase-1b", True), ("gpt2", False)):
        found = {one.id: one for one in told(body.format(base)).findings}
        assert ("'<fim_pad>'" in found["pad-is-eos"].mend) is own
        assert ("resize_token_embeddings" in found["pad-is-eos"].mend) is not own
        assert "dropout, where there is any, is on" in found["training-mode"].message
