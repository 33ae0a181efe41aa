"""Run the steps of Astraios's usage script as they are written and as they are meant, on tiny random models.

python examples/adapter_lost.py             compare the two
python examples/adapter_lost.py --record    record that at a terminal, for the article in docs/articles/
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
RECORDING = ROOT / "docs" / "articles" / "astraios-usage.cast"
PROMPT = list(b"Question: Please write a function in Python that performs bubble sort.\n\nAnswer:")


def make(folder: Path) -> tuple[Path, Path]:
    """A tiny base of StarCoder's architecture and a Parallel adapter for it, both of random weights."""
    import torch
    from peft import get_peft_model
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    from astrarium.methods import recipe

    torch.manual_seed(2)
    config = GPTBigCodeConfig(
        n_layer=2, n_embd=32, n_head=4, n_positions=256, vocab_size=256, bos_token_id=0, eos_token_id=0
    )
    base = GPTBigCodeForCausalLM(config)
    with torch.no_grad():
        for parameter in base.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    base.save_pretrained(folder / "base")
    small = recipe("parallel").replace(options={"bottleneck_size": 8})
    adapted = get_peft_model(base, small.peft_config(base.config.to_dict()))
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.5)
    adapted.save_pretrained(folder / "adapter", save_embedding_layers=False)
    return folder / "base", folder / "adapter"


def main() -> None:
    """Generate eight tokens three times: base alone, as the script does it, as it is meant."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, peft_checkpoint = make(Path(folder))
        inputs = torch.tensor([PROMPT])

        def answer(model: torch.nn.Module) -> list[int]:
            outputs = model.generate(inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=8, do_sample=False)
            return outputs[0, inputs.shape[1] :].tolist()

        alone = answer(AutoModelForCausalLM.from_pretrained(checkpoint))
        print("the base alone:    ", alone)

        model = AutoModelForCausalLM.from_pretrained(checkpoint)
        model = PeftModel.from_pretrained(model, peft_checkpoint)
        model = AutoModelForCausalLM.from_pretrained(checkpoint)
        written = answer(model)
        print("as it is written:  ", written, "the base's answer" if written == alone else "another answer")

        model = AutoModelForCausalLM.from_pretrained(checkpoint)
        model = PeftModel.from_pretrained(model, peft_checkpoint)
        mended = answer(model)
        print("as it is meant:    ", mended, "the base's answer" if mended == alone else "the adapter's answer")


def record() -> None:
    """Record this example at a terminal."""
    from astrarium.report.recorder import record as recorded
    from astrarium.report.terminal import write_recording

    commands = ["python examples/adapter_lost.py"]
    write_recording(RECORDING, recorded(commands, ROOT, width=88, title="the adapter that is thrown away"))


if __name__ == "__main__":
    import astrarium  # noqa: F401 (it teaches peft the method)

    record() if sys.argv[1:] == ["--record"] else main()
