"""transformers' Trainer with peft, as a careful user tunes on a CPU: LoRA on all linears, sdpa, fused AdamW, no logs.

The rows are packed already, so that nothing is padded; the sampler keeps their order. Memory is the peak of the process
minus what it held after its imports.
"""

import tempfile
import time
from pathlib import Path

from line import serve


def prepare(work):
    return work["dtype"], lambda: train(work)


def train(work):
    import peft  # its import belongs to what is not counted
    import torch
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

    torch.set_num_threads(work["threads"])
    before = memory("VmRSS")
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[work["dtype"]]
    base = AutoModelForCausalLM.from_pretrained(
        work["base"], dtype=dtype, attn_implementation="sdpa", local_files_only=True
    )
    model = peft.PeftModel.from_pretrained(base, work["adapter"], is_trainable=True)
    rows = [{"input_ids": ids, "labels": ids, "attention_mask": [1] * len(ids)} for ids in work["rows"]]
    losses, times = [], []

    class Recorded(Trainer):
        def _get_train_sampler(self, *args, **kwargs):
            return torch.utils.data.SequentialSampler(self.train_dataset)

        def compute_loss(self, *args, **kwargs):
            found = super().compute_loss(*args, **kwargs)
            losses.append(float(found[0] if isinstance(found, tuple) else found))
            return found

    class Clock(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch, per_device_train_batch_size=work["batch"], max_steps=work["steps"],
            learning_rate=work["learning_rate"], lr_scheduler_type="constant", weight_decay=0.0, max_grad_norm=1.0,
            optim="adamw_torch_fused", use_cpu=True, report_to=[], save_strategy="no", logging_strategy="no",
            disable_tqdm=True, seed=0, dataloader_num_workers=0,
        )  # fmt: skip
        Recorded(model=model, args=arguments, train_dataset=rows, callbacks=[Clock()]).train()
    counted = len(times) - work["warm_up"]
    tokens = counted * work["batch"] * len(work["rows"][0])
    figures = {
        "tokens_per_s": tokens / (times[-1] - times[work["warm_up"] - 1]),
        "memory_bytes": memory("VmHWM") - before,
    }
    return {**figures, **{f"loss_{number}": loss for number, loss in enumerate(losses)}}


def memory(kind):
    """Of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(kind + ":"):
            return int(line.split()[1]) * 1024
    return 0


serve(prepare)
