"""The rule on prompts in another form than the adapter's training rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.context import Context, model_of
from astrarium.explain.mending import Edit, replace
from astrarium.explain.rules.generation import batch_of
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import Batch, Function, options, text_of

_MARKS = re.compile(
    r"###\s*[A-Z]\w+|<\|\w+\|>|\[INST\]|\b(?:Question|Answer|Instruction|Response|User|Assistant|Human|Bot|Input|Output):"
)
"""What sets the parts of a prompt apart."""


@rule(
    "prompt-unlike-training",
    "warning",
    "the prompt is unlike the one the adapter was trained on",
    "An adapter has learned to answer after one form of prompt; nothing in its training has shaped what it does after "
    "another.",
)
def prompt_unlike_training(script: Context) -> Iterator[Found]:
    """A question to an Astraios adapter in another form than theirs, or rows and prompts with different marks."""
    trained: set[str] | None = None
    for event in script.generations:
        model = model_of(event)
        batch, _ = batch_of(event)
        if model is None or batch is None:
            continue
        if any("astraios-" in (one.path or "") for one in model.adapters):
            yield from _unlike_astraios(script, batch)
        elif model.adapters or script.trains:
            trained = _marks_of_rows(script) if trained is None else trained
            yield from _unlike_rows(trained, batch)


def _unlike_rows(trained: set[str], batch: Batch) -> Iterator[Found]:
    """Where the script writes its training rows itself: a prompt that shares none of their marks."""
    for prompt in batch.prompts:
        text = text_of(prompt)
        marks = set(_MARKS.findall(text or ""))
        bare = text is not None and "\0" not in text and not marks
        if trained and (marks or bare) and not marks & trained:
            yield Found(
                batch.event.node,
                f"the rows are written with {', '.join(sorted(trained))}, "
                f"and this prompt with {', '.join(sorted(marks)) or 'none of them'}",
                "write the prompt as the rows were written, up to the answer",
            )
            return


def _marks_of_rows(script: Context) -> set[str]:
    """The marks in training rows: of functions given to `map` or as `formatting_func`, of texts that have a loss."""
    marks: set[str] = set()
    for event in script.events:
        learns = script.trains and event.given("labels") is not None and not event.contexts
        learned, _ = batch_of(event) if learns else (None, None)
        for prompt in learned.prompts if learned is not None else ():
            marks.update(_MARKS.findall(text_of(prompt) or ""))
        given = event.given("formatting_func") or (event.given("function", 0) if event.short == "map" else None)
        for option in options(given.value) if given is not None else ():
            if isinstance(option, Function):
                marks.update(_MARKS.findall(script.code(option.node)))
    return marks


def _unlike_astraios(script: Context, batch: Batch) -> Iterator[Found]:
    for prompt in batch.prompts:
        text = text_of(prompt)
        if text is None or re.fullmatch(r"\0*", text) or "fim_prefix" in text or "fim-prefix" in text:
            continue
        if re.match(r"Question: ", text) and re.search(r"\n\nAnswer:$", text.rstrip("\0")):
            continue
        yield Found(
            batch.event.node,
            "Astraios's adapters were trained on `Question: …\\n\\nAnswer:`, and this prompt has another form",
            'write `"Question: …\\n\\nAnswer:"` around the question, without a space at the end',
            _astraios_form(script, batch, text),
        )
        return


def _astraios_form(script: Context, batch: Batch, text: str) -> tuple[Edit, ...]:
    """The edit of a prompt that stands in the call itself."""
    given = batch.event.given("text", 0)
    node = given.node.value if given is not None else None
    if not isinstance(node, cst.SimpleString) or node.quote not in ('"', "'"):
        return ()
    if not text.startswith("Question"):
        return replace(script.tree, node, f"{node.quote}Question: {node.raw_value}\\n\\nAnswer:{node.quote}")
    if text.endswith("\n\nAnswer: "):
        return replace(script.tree, node, f"{node.quote}{node.raw_value.rstrip()}{node.quote}")
    return ()
