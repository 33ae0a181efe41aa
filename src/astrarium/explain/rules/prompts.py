"""The rule on prompts in another form than the adapter's training rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.context import Context, model_of
from astrarium.explain.mending import Edit, replace
from astrarium.explain.rules.generation import batch_of
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import UNKNOWN, Batch, Either, Function, Items, Model, Table, Value, options, text_of

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
    rows: list[str] | None = None
    tuned: set[int] | None = None
    for event in script.generations:
        model = model_of(event)
        batch, _ = batch_of(event)
        if model is None or batch is None:
            continue
        if any("astraios-" in path for one in model.adapters for path in one.paths):
            yield from _unlike_astraios(script, batch)
            continue
        tuned = _tuned(script) if tuned is None else tuned
        if model.adapters or model.body.wrapped or id(model.body) in tuned or (model.body.guessed and script.trains):
            rows = _rows(script) if rows is None else rows
            yield from _unlike_rows(rows, batch)


def _tuned(script: Context) -> set[int]:
    """The weights that the script itself tunes, by `id`."""
    models = [one for trainer in script.trainers for one in options(trainer.given.get("model", UNKNOWN))]
    if script.trains:
        models += [one for event in script.events if event.given("labels") is not None and (one := model_of(event))]
    return {id(one.body) for one in models if isinstance(one, Model)}


def _unlike_rows(rows: list[str], batch: Batch) -> Iterator[Found]:
    """Where the script writes its training rows itself: a prompt that is read wholly and cannot be one of them."""
    trained = {mark for row in rows for mark in _MARKS.findall(row)}
    begun = bool(rows) and all(_MARKS.search(row.split("\0")[0]) for row in rows)
    for prompt in batch.prompts:
        text = text_of(prompt)
        if text is None or text.startswith("\0") or not trained:
            continue
        marks = set(_MARKS.findall(text))
        bare = begun and not marks and "\0" not in text
        if (marks or bare) and not marks & trained:
            yield Found(
                batch.event.node,
                f"the rows are written with {_listed(trained)}, "
                f"and this prompt with {_listed(marks) or 'none of them'}",
                "write the prompt as the rows were written, up to the answer",
            )
            return


def _listed(marks: set[str]) -> str:
    return ", ".join(f"`{mark}`" for mark in sorted(marks))


def _rows(script: Context) -> list[str]:
    """The form of training rows: of functions given to `map` or as `formatting_func`, of texts that have a loss.

    Empty where one that has marks is not read wholly.
    """
    rows: list[str] = []
    for event in script.events:
        learns = script.trains and event.given("labels") is not None and not event.contexts
        learned, _ = batch_of(event) if learns else (None, None)
        if learned is not None:
            rows += [text for prompt in learned.prompts if (text := text_of(prompt))]
        given = event.given("formatting_func") or (event.given("function", 0) if event.short == "map" else None)
        for option in options(given.value) if given is not None else ():
            if isinstance(option, Function) and _MARKS.search(_written_in(script, option)):
                written = _written(script, option)
                if written is None:
                    return []
                rows += written
    return [row for row in rows if row.strip("\0 \n")]


def _written(script: Context, function: Function) -> list[str] | None:
    """The texts that a function gives; None where one of them is not known."""
    found = _texts(script.flow.returned.get(id(function.node), UNKNOWN))
    first, last = script.tree.span(function.node)
    for store in script.flow.stores:
        if store.path.startswith("[") and first <= script.tree.span(store.node)[0] < last:
            texts = _texts(store.value)
            found = texts if not found else found + (texts or [])
    marked = [text for text in found or () if _MARKS.search(text)]
    return found if marked else None


def _texts(value: Value) -> list[str] | None:
    """The texts in a value; None where some of it is not known."""
    text = text_of(value)
    if text is not None:
        return [text]
    match value:
        case Either():
            parts = [_texts(option) for option in value.options]
        case Items():
            parts = [_texts(one) for one in [*value.items, *([value.rest] if value.rest is not None else [])]]
        case Batch():
            parts = [_texts(one) for one in value.prompts]
        case Table():
            parts = [texts for one in value.items.values() if (texts := _texts(one)) is not None] or [None]
        case _:
            return None
    return None if any(part is None for part in parts) else [text for part in parts for text in part or ()]


def _written_in(script: Context, function: Function, depth: int = 0) -> str:
    """The code of a function, and the texts and functions that it names."""
    code = script.code(function.node)
    found = [code]
    for owner, name in sorted(set(re.findall(r"(?<![\w.])(?:(self|cls)\.)?([A-Za-z_]\w*)", code))):
        if owner and function.receiver is not None:
            value: Value | None = script.flow.evaluator.attribute(function.receiver, name)
        else:
            value = function.scope.find(name)
        for option in options(value) if value is not None else ():
            text = text_of(option)
            if text is not None:
                found.append(text)
            elif isinstance(option, Function) and depth < 2 and option.node is not function.node:
                found.append(_written_in(script, option, depth + 1))
    return "\n".join(found)


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
