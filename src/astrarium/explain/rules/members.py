"""The rule on values that the installed transformers and peft do not know, read from their enumerations."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.context import Context
from astrarium.explain.events import Event, Given
from astrarium.explain.index.library import library
from astrarium.explain.libraries import METHOD_OF_CONFIG
from astrarium.explain.mending import Edit, replace
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import constant, options, strings

_NEW_VALUES = {"adamw_hf": "adamw_torch", "adamw_apex_fused": "adamw_torch_fused"}


@rule(
    "value-gone",
    "error",
    "the installed library does not know this value",
    "The call stops with a ValueError or KeyError.",
)
def value_gone(script: Context) -> Iterator[Found]:
    """TensorFlow tensors, tasks that `pipeline` no longer has, and members that an enumeration lacks."""
    transformers = library("transformers")
    if transformers is None:
        return
    kinds = transformers.constants.get("TensorType", [])
    for event in script.events:
        given = event.given("return_tensors")
        value = constant(given.value) if given is not None else None
        if (
            given is not None
            and isinstance(value, str)
            and kinds
            and value not in kinds
            and event.name.startswith(("transformers.", "?."))
        ):
            yield Found(
                given.node, f"transformers {transformers.release} has no tensors of the kind {value!r}, only "
                f"{', '.join(f'`{kind}`' for kind in kinds)}",
                'say `return_tensors="pt"`', _torch_tensors(script, given),
            )  # fmt: skip
        if event.name == "transformers.pipeline" and transformers.tasks:
            given = event.given("task", 0)
            for task in strings(given.value) if given is not None else ():
                plain = task.split("_")[0] if task.startswith("translation_") else task
                if plain not in transformers.tasks and "\0" not in task and given is not None:
                    yield Found(
                        given.node, f"transformers {transformers.release} has no pipeline for {task!r}",
                        "use text-generation with a model that is told what to do, or the model and its "
                        "tokenizer themselves",
                    )  # fmt: skip
    yield from _not_members(script)


def _torch_tensors(script: Context, given: Given) -> tuple[Edit, ...]:
    """`"pt"` in the place of a kind that is gone, in a script that does not go on with it."""
    node = given.node.value
    if script.flow.modules & {"tensorflow", "keras", "jax", "flax"} or not isinstance(node, cst.SimpleString):
        return ()
    return replace(script.tree, node, f"{node.quote}pt{node.quote}")


def _held_against(event: Event) -> Iterator[tuple[Given, str, str]]:
    """Arguments whose values are turned into members of an enumeration: argument, package, enumeration."""
    transformers = library("transformers")
    kinds: dict[str, tuple[str, str]] = {}
    if event.short.endswith("TrainingArguments") or (event.name.startswith("trl.") and event.short.endswith("Config")):
        checked = transformers.checked if transformers is not None else {}
        kinds = {name: ("transformers", kind) for name, kind in checked.items()}
    elif event.short in METHOD_OF_CONFIG and event.name.startswith("peft."):
        kinds = {"task_type": ("peft", "TaskType")}
    elif event.name in ("transformers.PreTrainedTokenizerBase.__call__", "transformers.PreTrainedTokenizerBase.encode",
                        "transformers.PreTrainedTokenizerBase.pad"):  # fmt: skip
        kinds = {"padding": ("transformers", "PaddingStrategy"), "truncation": ("transformers", "TruncationStrategy")}
    for argument in event.arguments if kinds else ():
        if argument.name in kinds:
            yield argument, *kinds[argument.name]


def _not_members(script: Context) -> Iterator[Found]:
    for event in script.events:
        for given, package, kind in _held_against(event):
            found = library(package)
            members = found.constants.get(kind, []) if found is not None else []
            for value in (constant(option) for option in options(given.value)):
                if not isinstance(value, str) or not members or value in members or found is None:
                    continue
                close = difflib.get_close_matches(value, members, 1, 0.75)
                new = _NEW_VALUES.get(value) or (close[0] if close else None)
                edits: tuple[Edit, ...] = ()
                if new in members and isinstance(given.node.value, cst.SimpleString):
                    quote = given.node.value.quote
                    edits = replace(script.tree, given.node.value, f"{quote}{new}{quote}")
                yield Found(
                    given.node,
                    f"{package} {found.release} does not know `{given.name}={value!r}`",
                    f"say `{given.name}={new!r}`"
                    if new in members
                    else f"it knows {', '.join(f'`{one}`' for one in members[:8])}",
                    edits,
                )
