"""Rules on what is written to disk."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from astrarium.explain.context import Context, model_of
from astrarium.explain.events import surely
from astrarium.explain.mending import Edit, replace
from astrarium.explain.rules.asking import name_given
from astrarium.explain.rules.registry import Found, rule


@rule(
    "base-saved",
    "error",
    "the base is saved instead of the adapter",
    "The whole base is written, the adapter's layers among its weights, and no adapter that peft can load.",
)
def base_saved(script: Context) -> Iterator[Found]:
    """`save_pretrained` of the base's variable, or `torch.save` of the whole state."""
    for event in script.calls("save_pretrained", "push_to_hub"):
        model = model_of(event)
        if model is None or model.wrapper or not model.body.wrapped or model.body.guessed:
            continue
        merged = model.body.merged is not None and model.body.merged.order < event.order
        adapter = model.body.wrapped[-1]
        if merged or adapter.event.order > event.order or not surely(adapter.event.branch, event.branch):
            continue
        if adapter.event.short in ("add_adapter", "load_adapter"):
            continue  # transformers' own: save_pretrained of such a model writes the adapter
        if any(
            (saved := model_of(one)) is not None and saved.wrapper and saved.body is model.body
            for one in script.calls("save_pretrained", "push_to_hub")
        ):
            continue  # the adapter is saved too: the base is meant
        wrapper = next((one for one in script.models if one.event is adapter.event), None)
        kept = name_given(script, adapter.event)
        func = event.node.func
        edits: tuple[Edit, ...] = ()
        if (
            wrapper is not None
            and kept is not None
            and isinstance(func, cst.Attribute)
            and kept != script.code(func.value)
        ):
            edits = _wrapper_in(script, func.value) or replace(script.tree, func.value, kept)
        yield Found(
            event.node,
            f"`{script.code(func.value) if isinstance(func, cst.Attribute) else 'this'}` is the base, not what "
            "peft gave: "
            "its `save_pretrained` writes no adapter",
            f"save the wrapper: `{kept or 'model'}.save_pretrained(…)`",
            edits,
        )
    yield from _states_saved(script)


def _wrapper_in(script: Context, node: cst.BaseExpression) -> tuple[Edit, ...]:
    """Leave out `.get_base_model()` behind a call, such as accelerate's `unwrap_model(model)`."""
    func = node.func if isinstance(node, cst.Call) else None
    if (
        not isinstance(func, cst.Attribute)
        or func.attr.value != "get_base_model"
        or not isinstance(func.value, cst.Call)
    ):
        return ()
    return (Edit(script.tree.span(func.value)[1], script.tree.span(node)[1], ""),)


def _states_saved(script: Context) -> Iterator[Found]:
    for event in script.calls("torch.save"):
        source = event.node.args[0].value if event.node.args else None
        if not isinstance(source, cst.Call) or not isinstance(source.func, cst.Attribute):
            continue
        inner = next((one for one in script.events if one.node is source and one.short == "state_dict"), None)
        model = model_of(inner) if inner is not None else None
        if model is None or not model.wrapper:
            continue
        name = script.code(source.func.value)
        yield Found(
            event.node,
            f"the state of `{name}` is the whole base with the adapter inside, and no adapter that peft can load",
            f"`{name}.save_pretrained(folder)` writes the adapter alone",
            severity="warning",
        )
