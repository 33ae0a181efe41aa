"""Adapters attached in one arm of a condition, and passes of evaluation beside those of training."""

from __future__ import annotations

import pytest

from tests.explain.test_followed import places, told

LOST = """
import os, sys
tok = AutoTokenizer.from_pretrained("gpt2")
enc = tok("a", return_tensors="pt")


def ask(adapter):
    if adapter:
        tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("gpt2"), adapter)
        {then}
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    return model.generate(**enc, max_new_tokens=4)


ask(sys.argv[1])
"""


def test_an_adapter_that_one_arm_attaches_and_nothing_uses_is_lost() -> None:
    assert places(LOST.format(then="tuned.eval()")) == [("adapter-lost", 10)]


def test_it_is_told_and_not_mended_since_the_name_may_not_be_there() -> None:
    reading = told(LOST.format(then="tuned.eval()"))
    assert reading.mended == reading.original


@pytest.mark.parametrize(
    "then",
    ["return tuned.print_trainable_parameters()", "raise SystemExit", "sys.exit(0)", "os._exit(0)", "exit()", "quit()"],
)
def test_an_arm_that_is_left_loses_nothing(then: str) -> None:
    assert places(LOST.format(then=then), "adapter-lost") == []


def test_an_adapter_of_another_function_is_not_thrown_away() -> None:
    body = """
    import os


    def tuned():
        if os.path.exists("adapter"):
            return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("gpt2"), "adapter")


    enc = AutoTokenizer.from_pretrained("gpt2")("a", return_tensors="pt")
    tuned()
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model.generate(**enc, max_new_tokens=4)
    """
    assert places(body, "adapter-lost") == []


@pytest.mark.parametrize("path", ["base_model.model", "get_base_model()", "base_model"])
def test_the_base_within_the_wrapper_is_the_base(path: str) -> None:
    body = f"""
    model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
    Trainer(model=model, args=TrainingArguments("out", learning_rate=1e-4), train_dataset=[]).train()
    model.{path}.save_pretrained("out")
    """
    reading = told(body)
    assert [one.id for one in reading.findings] == ["base-saved"]
    assert 'model.save_pretrained("out")' in reading.mended.replace(f".{path}", "")
    assert path not in reading.mended


EPOCHS = """
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)


def fit(train, valid):
    for _ in range(3):
        model.train()
        for batch in train:
            model(**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        total = 0.0
        for batch in valid:
            {passed}
    model.save_pretrained("out")
"""


def test_evaluation_within_a_loop_of_training_has_gradients_on() -> None:
    assert places(EPOCHS.format(passed="total += model(**batch).loss.item()")) == [("gradients-on", 15)]


@pytest.mark.parametrize(
    "passed",
    [
        "model(**batch).loss.backward()",
        "total = total + model(**batch).loss\n        total.backward()",
        "with torch.no_grad():\n                total += model(**batch).loss.item()",
    ],
)
def test_a_pass_that_is_propagated_or_has_them_off_is_not_told(passed: str) -> None:
    assert places(EPOCHS.format(passed=passed), "gradients-on") == []
