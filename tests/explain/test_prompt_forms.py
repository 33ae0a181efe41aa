"""A prompt is called unlike the training rows only where both are read wholly and differ."""

from __future__ import annotations

import pytest

from tests.explain.test_followed import places

TUNED = """
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))
other = AutoModelForCausalLM.from_pretrained("openai-community/gpt2-medium")


def write(row):
    {written}


rows = load().map(write)
Trainer(model=model, args=TrainingArguments("out"), train_dataset=rows).train()
model.save_pretrained("out")
model.eval()
ids = tokenizer({prompt}, return_tensors="pt")
print({asked}.generate(**ids, max_new_tokens=8))
"""
WRITTEN = 'return {"text": f"### Question: {row[0]}\\n### Answer: {row[1]}"}'


@pytest.mark.parametrize(
    ("written", "prompt", "asked", "unlike"),
    [
        (WRITTEN, '"User: why?\\nAssistant:"', "model", True),
        (WRITTEN, 'f"User: {input()}\\nAssistant:"', "model", True),
        (WRITTEN, '"What is a heap?"', "model", True),
        (WRITTEN, '"### Question: why?\\n### Answer:"', "model", False),
        (WRITTEN, "input()", "model", False),
        (WRITTEN, 'f"{load()} Assistant:"', "model", False),
        (WRITTEN, '"What is a heap?"', "other", False),
        ('return {"text": f"{row[0]}\\n### Answer: {row[1]}"}', '"What is a heap?"', "model", False),
        ('return {"text": load(row, "### Question: {}")}', '"What is a heap?"', "model", False),
        ('return tokenizer(row["text"])  # ### Question', '"What is a heap?"', "model", False),
        ('return WRITE.format(row) if row else "### Question: a"', '"What is a heap?"', "model", False),
        ('row["text"] = f"### Question: {row[0]}\\n### Answer: {row[1]}"; return row', '"a heap?"', "model", True),
        ('return {"text": [f"### Question: {one}" for one in row["q"]]}', '"a heap?"', "model", True),
    ],
)
def test_a_prompt_and_the_rows(written: str, prompt: str, asked: str, unlike: bool) -> None:
    body = TUNED.replace("{written}", written).replace("{prompt}", prompt).replace("{asked}", asked)
    found = places(body, "prompt-unlike-training")
    assert [id for id, _ in found] == ["prompt-unlike-training"] * unlike
