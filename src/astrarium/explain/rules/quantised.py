"""Rules on bases in 4 and 8 bits."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from astrarium.explain.context import Context, model_of, named
from astrarium.explain.events import Event, surely
from astrarium.explain.mending import Edit, drop_statement, replace
from astrarium.explain.places import first_device
from astrarium.explain.rules.asking import right_side
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import UNKNOWN, constant


@rule(
    "kbit-not-prepared",
    "warning",
    "a quantised base is tuned without `prepare_model_for_kbit_training`",
    "It makes norms and output head fp32, and gives the inputs the gradient that gradient checkpointing needs to reach "
    "an adapter.",
)
def kbit_not_prepared(script: Context) -> Iterator[Found]:
    """`get_peft_model` on a 4- or 8-bit base that was not prepared."""
    for event in script.calls("peft.get_peft_model"):
        if constant(event.facts.get("quantised", UNKNOWN)) not in ("4bit", "8bit"):
            continue
        given = event.given("model", 0)
        if constant(event.facts.get("prepared", UNKNOWN)) is True or given is None:
            continue
        if any(trainer.name.startswith(("SFT", "DPO", "GRPO", "ORPO", "KTO")) for trainer in script.trainers):
            continue  # trl prepares it
        by_hand = any(script.calls("enable_input_require_grads")) or any(_fp32_norms(script))
        if not script.trains or by_hand:
            continue  # nothing is trained here, or it is prepared by hand
        edits: tuple[Edit, ...] = ()
        if any(one.name == "prepare_model_for_kbit_training" for one in script.flow.imports):
            edits = replace(
                script.tree, given.node.value, f"prepare_model_for_kbit_training({script.code(given.node.value)})"
            )
        else:
            edits = _with_import(script, event, given.node.value)
        yield Found(
            event.node, "the base is quantised and was not prepared for training",
            "call `model = prepare_model_for_kbit_training(model)` before `get_peft_model`", edits,
        )  # fmt: skip


def _fp32_norms(script: Context) -> Iterator[cst.CSTNode]:
    """`param.data = param.data.to(torch.float32)`: what `prepare_model_for_kbit_training` does with norms."""
    for store in script.flow.stores:
        if store.path == "data" and "float32" in right_side(script, store.node):
            yield store.node


def _with_import(script: Context, event: Event, node: cst.CSTNode) -> tuple[Edit, ...]:
    for imported in script.flow.imports:
        if imported.name == "get_peft_model" and imported.module == "peft":
            end = script.tree.span(imported.node)[1]
            wrapped = f"prepare_model_for_kbit_training({script.code(node)})"
            return (Edit(end, end, ", prepare_model_for_kbit_training"), *replace(script.tree, node, wrapped))
    return ()


@rule(
    "quantised-moved",
    "warning",
    "a quantised model is moved or cast",
    "It is on its device since it was loaded; `.half()`, `.float()`, a cast and, in 8 bits, `.cuda()` are "
    "refused with a ValueError.",
)
def quantised_moved(script: Context) -> Iterator[Found]:
    """`.to`, `.cuda`, `.half` or `.float` of a 4- or 8-bit model."""
    for event in script.calls("to", "cuda", "half", "float", "bfloat16"):
        model = model_of(event)
        if model is None or model.body.quantised not in ("4bit", "8bit"):
            continue
        made = model.body.event
        if model.body.perhaps and made is not None and not surely(event.branch, made.branch):
            continue  # a branch of its own, where the base may not be quantised
        cast = event.short in ("half", "float") or any(
            one.name == "dtype" or (named(one.value) or "").startswith("torch.") for one in event.arguments
        )
        if event.short == "bfloat16" or (event.short == "to" and not cast and first_device(event) is None):
            continue
        refused = cast or (event.short == "cuda" and model.body.quantised == "8bit")
        func = event.node.func
        edits: tuple[Edit, ...] = ()
        if isinstance(func, cst.Attribute):
            edits = (Edit(script.tree.span(func.value)[1], script.tree.span(event.node)[1], ""),)
            if event.discarded:
                edits = _drop(script, event)
            elif event.statement is not None and _onto_itself(script, event):
                edits = drop_statement(script.tree, event.statement)
        what = "4" if model.body.quantised == "4bit" else "8"
        yield Found(
            event.node,
            f"the model is loaded in {what} bits, and `.{event.short}` "
            + ("is refused with a `ValueError`" if refused else "moves what is on its device since it was loaded"),
            "leave the cast out: the weights stay as they were rounded; `dtype=` says in what type the rest is loaded"
            if cast
            else 'leave it where it is: `device_map="auto"` places it when it is loaded',
            edits,
            severity="error" if refused else None,
        )


def _onto_itself(script: Context, event: Event) -> bool:
    """`model = model.to(…)`, alone on its line."""
    func = event.node.func
    body: list[cst.CSTNode] = list(getattr(event.statement, "body", ()))
    if not isinstance(func, cst.Attribute) or len(body) != 1:
        return False
    assigned = body[0]
    if not isinstance(assigned, cst.Assign) or assigned.value is not event.node:
        return False
    return [script.code(one.target) for one in assigned.targets] == [script.code(func.value)]


def _drop(script: Context, event: Event) -> tuple[Edit, ...]:
    """Take a call that is a statement out, where others stand beside it."""
    statement = event.statement
    alone = not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1
    if alone or statement is None or script.tree.span(event.node)[0] != script.tree.span(statement)[0]:
        return ()
    blocks = [script.tree.module.body, *(block.body for block in script.tree.every(cst.IndentedBlock))]
    around = next((block for block in blocks if any(one is statement for one in block)), ())
    return drop_statement(script.tree, statement) if len(around) > 1 else ()


@rule(
    "merge-quantised",
    "warning",
    "an adapter is merged into a quantised base",
    "The sum is rounded to 4 or 8 bits again, and part of the adapter's small changes with it (transformers issue "
    "31293).",
)
def merge_quantised(script: Context) -> Iterator[Found]:
    """`merge_and_unload` or `merge_adapter` on a 4- or 8-bit base."""
    for event in script.calls("merge_and_unload", "merge_adapter"):
        model = model_of(event)
        if model is None or model.body.quantised not in ("4bit", "8bit"):
            continue
        if any(
            one.short == "dequantize" and (found := model_of(one)) and found.body is model.body for one in script.events
        ):
            continue
        yield Found(
            event.node,
            f"the adapter is merged into a base in {model.body.quantised[0]} bits, and the sum is rounded again",
            "load the base again in bf16, put the adapter on it, and merge there",
        )
