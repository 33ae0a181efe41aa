"""The well-known usage script of Astraios, mended, on tiny folders, with nothing but `import astrarium` added."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from tests.bases import save_adapter, save_base
from tests.vocabularies import small_tokenizer

MENDED = """
import astrarium
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

peft_checkpoint = "{adapter}"
checkpoint = "{base}"
device = "cpu"  # for GPU usage or "cpu" for CPU usage
model = AutoModelForCausalLM.from_pretrained(checkpoint).to(device)
model = PeftModel.from_pretrained(model, peft_checkpoint)

tokenizer = AutoTokenizer.from_pretrained(checkpoint)

question = "Question: Please write a function in Python that performs bubble sort.\\n\\nAnswer:"
inputs = tokenizer.encode(question, return_tensors="pt").to(device)
outputs = model.generate(inputs, max_new_tokens=16)
print(outputs[0].tolist())
print(tokenizer.decode(outputs[0]))
"""


@pytest.mark.parametrize(
    "method",
    ["parallel", pytest.param("adapterh", marks=pytest.mark.slow), pytest.param("adapterp", marks=pytest.mark.slow)],
)
def test_the_answer_is_the_adapter_s(method: str, tmp_path: Path) -> None:
    base = save_base(tmp_path / "starcoderbase-7b")
    adapter = save_adapter(tmp_path / f"astraios-7b-{method}", base, method)
    script = tmp_path / "usage.py"
    script.write_text(MENDED.format(base=base, adapter=adapter))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    tokens = [int(token) for token in done.stdout.splitlines()[0].strip("[]").split(",")]
    tokenizer = small_tokenizer()
    prompt = tokenizer(
        "Question: Please write a function in Python that performs bubble sort.\n\nAnswer:", return_tensors="pt"
    )
    alone = (
        AutoModelForCausalLM.from_pretrained(base).generate(**prompt, max_new_tokens=16, do_sample=False)[0].tolist()
    )
    assert tokens[: len(prompt["input_ids"][0])] == prompt["input_ids"][0].tolist()
    assert tokens != alone


@pytest.mark.slow
def test_without_the_import_stock_peft_does_not_know_it(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    adapter = save_adapter(tmp_path / "adapter", base, "parallel")
    script = MENDED.format(base=base, adapter=adapter).replace("import astrarium\n", "")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "KeyError: 'BOTTLENECK'" in done.stderr
