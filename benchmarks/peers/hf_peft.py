"""peft with LoRA adapters mixed in one batch, as a careful user runs it: sdpa, `generate` with `adapter_names`.

`generate` sets the rows' adapters once for all its steps; a loop of our own would do so in every step, and be slower.
All is fp32: on the embedded default that is a quarter faster than bf16 (56 against 44 tokens/s on two cores), whose
many small products cost more than the bytes they save.
"""

from pathlib import Path

from line import Clock, serve


def prepare(work):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(work["threads"])
    place = Path(work["base"])
    file = {"gguf_file": place.name} if place.suffix == ".gguf" else {}
    base = AutoModelForCausalLM.from_pretrained(
        place.parent if file else place, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True, **file
    )
    (first, folder), *rest = work["adapters"].items()
    model = PeftModel.from_pretrained(base, folder, adapter_name=first)
    for name, folder in rest:
        model.load_adapter(folder, adapter_name=name)
    model.eval()
    ids = torch.tensor(work["prompts"])
    return "fp32", lambda: decode(model, ids, list(work["adapters"]), work["new"])


class _Streamer:
    """Ticks when a step's tokens are there; the first call brings the prompt."""

    def __init__(self):
        self.clock = Clock()
        self._prompt = True

    def put(self, value):
        if not self._prompt:
            self.clock.tick()
        self._prompt = False

    def end(self):
        pass


def decode(model, ids, names, new):
    import torch

    streamer = _Streamer()
    with torch.inference_mode():
        model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), adapter_names=names, streamer=streamer,
            do_sample=False, max_new_tokens=new, min_new_tokens=new,
        )  # fmt: skip
    return streamer.clock.figures(len(names))


serve(prepare)
