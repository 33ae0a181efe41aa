"""transformers, as a careful user runs it: bf16, sdpa attention, its own cache, one call a step, only the last logits.

Kinds of work: `decode` (rows together), `first_token` (from nothing to the first token).
"""

from pathlib import Path

from line import Clock, serve


def prepare(work):
    if work["kind"] == "first_token":
        return "bf16", lambda: decode(load(work), work["prompts"], 1)
    model = load(work)
    return "bf16", lambda: decode(model, work["prompts"], work["new"])


def load(work):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(work["threads"])
    place = Path(work["base"])
    file = {"gguf_file": place.name} if place.suffix == ".gguf" else {}
    folder = place.parent if file else place
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, attn_implementation="sdpa", local_files_only=True, **file
    )
    return model.eval()


def decode(model, prompts, new):
    import torch
    from transformers import DynamicCache

    clock = Clock()
    cache = DynamicCache(config=model.config)
    ids = torch.tensor(prompts)
    with torch.inference_mode():
        for _ in range(new):
            out = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            ids = out.logits[:, -1].argmax(-1, keepdim=True)
            ids.tolist()
            clock.tick()
    return clock.figures(len(prompts)) if new > 1 else {}


serve(prepare)
