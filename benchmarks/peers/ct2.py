"""CTranslate2 in int8, as a careful user runs it: the folder converted once, greedy, all rows in one batch."""

import json
import os
import shutil
from pathlib import Path

from line import Clock, serve


def prepare(work):
    import ctranslate2

    converted = Path(work["converted"])
    if not (converted / "model.bin").is_file():
        convert(work["base"], converted)
    generator = ctranslate2.Generator(
        str(converted), device="cpu", compute_type="int8", inter_threads=1, intra_threads=work["threads"]
    )
    vocabulary = json.loads((converted / "vocabulary.json").read_text(encoding="utf-8"))
    prompts = [[vocabulary[number] for number in prompt] for prompt in work["prompts"]]
    return "int8", lambda: decode(generator, prompts, work["new"])


def convert(base, converted):
    from ctranslate2.converters import TransformersConverter

    part = converted.with_name(f".{converted.name}.{os.getpid()}.part")
    TransformersConverter(str(base), low_cpu_mem_usage=True).convert(str(part), quantization="int8", force=True)
    shutil.rmtree(converted, ignore_errors=True)
    part.rename(converted)


def decode(generator, prompts, new):
    clock = Clock()
    step = [-1]

    def seen(result):
        # Called for each row of each step: the step's time is that of its last row.
        if result.step != step[0]:
            step[0] = result.step
            clock.tick()
        else:
            clock.times.pop()
            clock.tick()
        return False

    generator.generate_batch(
        prompts, max_length=new, min_length=new, beam_size=1, sampling_topk=1, include_prompt_in_result=False,
        max_batch_size=len(prompts), callback=seen,
    )  # fmt: skip
    if len(clock.times) != new:
        raise RuntimeError(f"{len(clock.times)} steps were seen; expected {new}")
    return clock.figures(len(prompts))


serve(prepare)
