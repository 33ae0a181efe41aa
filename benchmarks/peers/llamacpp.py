"""llama.cpp through llama-cpp-python, as a careful user runs it: the GGUF file as it is, greedy, no early stop."""

from line import Clock, serve


def prepare(work):
    from llama_cpp import Llama

    prompt = work["prompts"][0]
    model = Llama(
        work["base"], n_threads=work["threads"], n_threads_batch=work["threads"], n_ctx=512, n_batch=512, verbose=False
    )
    return "gguf", lambda: decode(model, prompt, work["new"])


def decode(model, prompt, new):
    model.reset()  # or the prompt would be found in the cache
    clock = Clock()
    for _ in model.generate(prompt, temp=0.0, repeat_penalty=1.0):
        clock.tick()
        if len(clock.times) == new:
            break
    return clock.figures(1)


serve(prepare)
