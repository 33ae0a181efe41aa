"""The script that the project began with: what is found in it, and that its mended copy gives the adapter's answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from astrarium.explain import read, read_text

EXPECTED = [
    ("peft-fork", 3), ("fp32-large-model", 9), ("adapter-method-unknown", 10), ("adapter-lost", 14),
    ("syntax-error", 16),
    ("no-max-new-tokens", 19), ("prompt-decoded", 20), ("special-tokens-kept", 20),
]  # fmt: skip


def test_what_is_found(shared: Path) -> None:
    reading = read(shared / "data" / "brief" / "astraios_usage.py")
    assert [(finding.id, finding.line) for finding in reading.findings] == EXPECTED
    lost = next(finding for finding in reading.findings if finding.id == "adapter-lost")
    assert "attached on line 10 is thrown away" in lost.message
    large = next(finding for finding in reading.findings if finding.id == "fp32-large-model")
    assert "28 GB, against 14 GB in bf16" in large.message
    assert all(finding.fixable for finding in reading.findings)


def test_the_mended_copy_keeps_everything_else(shared: Path) -> None:
    reading = read(shared / "data" / "brief" / "astraios_usage.py")
    before, after = reading.original.splitlines(), reading.mended.splitlines()
    kept = [line for line in before if line in after]
    assert len(kept) == 13  # of 20 lines all but 3, 9, 14, 16, 18, 19 and 20
    assert 'device = "cuda" # for GPU usage or "cpu" for CPU usage' in after
    assert "import astrarium" in after
    assert "model = model.to(device)" in after
    assert "outputs = model.generate(inputs, max_new_tokens=256)" in after
    assert "print(tokenizer.decode(outputs[0][inputs.shape[-1]:], skip_special_tokens=True))" in after
    again = read_text(reading.mended)
    assert again.findings == ()
    assert again.mended == reading.mended


@pytest.mark.slow
@pytest.mark.parametrize("method", ["parallel", "lora", "ptuning"])
def test_the_mended_copy_gives_the_adapter_s_answer(method: str, shared: Path, tmp_path: Path) -> None:
    """On tiny models the script, with its string joined, gives the base's answer, and the mended one does not."""
    from tests.bases import save_adapter, save_base

    base = save_base(tmp_path / "starcoderbase-7b")
    adapter = save_adapter(tmp_path / f"astraios-7b-{method}", base, method)

    def answer(text: str) -> str:
        text = text.replace("bigcode/starcoderbase-7b", str(base)).replace('"cuda"', '"cpu"')
        text = text.replace("bigcode/astraios-7b-parallel", str(adapter)).replace(
            "max_new_tokens=256", "max_new_tokens=20"
        )
        script = tmp_path / "usage.py"
        script.write_text(text)
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    original = (shared / "data" / "brief" / "astraios_usage.py").read_text()
    broken = original.replace("sort.\n\nAnswer", "sort.\\n\\nAnswer").replace(
        "from peft", "import astrarium\nfrom peft", 1
    )
    mended = read_text(original).mended.replace(', dtype="bfloat16"', "")  # the tiny base is compared in fp32
    untouched = broken.replace("model = PeftModel.from_pretrained(model, peft_checkpoint)", "")
    question = "Question: Please write a function in Python that performs bubble sort."
    assert answer(broken) == answer(untouched)
    adapted = answer(mended)
    assert question not in adapted
    assert adapted.strip() not in answer(broken)
