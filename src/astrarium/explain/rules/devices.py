"""Rules on devices and memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.bases import kept_in_fp32, memory_here
from astrarium.explain.context import Context, model_of, named
from astrarium.explain.events import Event
from astrarium.explain.mending import Edit, add_argument, replace
from astrarium.explain.places import device_of
from astrarium.explain.rules.asking import receiver_name, thrown_away
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.spelling import spelt
from astrarium.explain.values import (
    Batch,
    Const,
    Device,
    Either,
    Instance,
    Model,
    Table,
    Tensor,
    Value,
    constant,
    options,
)  # fmt: skip
from astrarium.families.names import size_by_name

LARGE = 3e9
"""Parameters from which four bytes each are worth a word."""
_DEVICE_NAME = re.compile(r"_?(device|DEVICE|torch_device|dev)")
_STORED_SMALL = re.compile(r"(?i)\b(?:bnb-)?[48]-?bit\b|\b(?:gptq|awq|gguf|fp8|int4|int8|nf4|w4a16|w8a8|mxfp4)\b")
"""In the name of a base whose checkpoint is quantised already."""


@rule(
    "device-mismatch",
    "error",
    "model and tensors are on different devices",
    "torch stops: it expects all tensors on the same device.",
)
def device_mismatch(script: Context) -> Iterator[Found]:
    """The model on a GPU and its inputs on the CPU, or the reverse."""
    told = {
        id(one.event)
        for event in _unused_moves(script)
        for one in options(event.receiver or Value())
        if isinstance(one, Batch)
    }
    for event in script.events:
        if event.short not in ("generate", "__call__", "forward"):
            continue
        model, batch = model_of(event), event.facts.get("batch")
        place, other = event.facts.get("device"), event.facts.get("batch_device")
        if (
            model is None
            or not isinstance(batch, Batch)
            or not isinstance(place, Device)
            or not isinstance(other, Device)
        ):
            continue
        if not batch.tensors or model.body.guessed or batch.event is None or id(batch.event) in told:
            continue  # the move that is not used is what to mend
        if other.body is not None:
            if other.body is not model.body:
                other = other.body.device
            else:
                continue
        where, there = _place(place), _place(other)
        if where is None or there is None or where == there:
            continue
        yield Found(
            event.node,
            f"the model is on {_told(place)} and its inputs are on {_told(other)}",
            "move the inputs: `inputs = inputs.to(model.device)`",
            _moved(script, event, batch),
            severity="warning" if model.body.mapped else None,
        )


def _place(device: Device) -> str | None:
    """Where a device is on a machine with a GPU."""
    return None if device.where is None else device.where.rstrip("?")


def _told(device: Device) -> str:
    where = device.where or "?"
    return (
        f"{where.rstrip('?')}, where there is one," if where.endswith("?") else "the CPU" if where == "cpu" else where
    )


def _moved(script: Context, event: Event, batch: Batch) -> tuple[Edit, ...]:
    name = receiver_name(script, event)
    if name is None or batch.event is None or batch.event.function != event.function:
        return ()
    if batch.added_device:
        return ()
    end = script.tree.span(batch.event.node)[1]
    statement = script.code(batch.event.statement) if batch.event.statement is not None else ""
    if not re.match(r"\s*\w+\s*=", statement) or not statement.rstrip().endswith(")"):
        return ()
    if batch.event.order < model_order(event):
        return ()
    return (Edit(end, end, f".to({name}.device)"),)


def model_order(event: Event) -> int:
    """When the model of a call was made: an edit before that cannot name it."""
    model = model_of(event)
    return model.event.order if model is not None and model.event is not None else 0


@rule(
    "to-unused",
    "error",
    "the result of `.to(device)` on a tensor is not used",
    "A tensor's `.to` gives a copy; only a model's and a BatchEncoding's `.to` change the thing itself.",
)
def to_unused(script: Context) -> Iterator[Found]:
    """`input_ids.to(device)` as a statement of its own."""
    for event in _unused_moves(script):
        name = receiver_name(script, event)
        func = event.node.func
        if name is None and isinstance(func, cst.Attribute):
            name = script.code(func.value)
        if name is None or event.statement is None:
            continue
        start = script.tree.span(event.statement)[0]
        edits = (Edit(start, start, f"{name} = "),) if name.isidentifier() else ()
        mend = f"assign it: `{name} = {name}.to(…)`"
        if any(isinstance(one, Batch) and one.part == "*" for one in options(event.receiver or Value())):
            edits, mend = (), "move the whole at once: what a tokenizer gives is moved by its own `.to(…)`"
        elif _of_loop(script, name, event):
            edits, mend = (), "make a new dict: `batch = {key: value.to(…) for key, value in batch.items()}`"
        yield Found(event.node, f"`{name}` stays where it is: what `.to` gives is thrown away", mend, edits)


def _of_loop(script: Context, name: str, event: Event) -> bool:
    """Whether a name is what a loop around the call goes over, so that to assign it changes nothing."""
    start, end = script.tree.span(event.node)
    for loop in script.tree.every(cst.For):
        first, last = script.tree.span(loop)
        names = re.split(r"[\s,()]+", script.code(loop.target))
        over = script.code(loop.iter)
        if first <= start and end <= last and name in names and re.search(r"\.(values|items)\(\)$", over):
            return True
    return False


def _unused_moves(script: Context) -> Iterator[Event]:
    """The moves of a tensor whose result goes nowhere."""
    for event in script.calls("to", "cuda"):
        if not thrown_away(script, event) or not event.name.startswith("torch.Tensor."):
            continue
        if any(
            isinstance(one, Tensor) or (isinstance(one, Batch) and one.part)
            for one in options(event.receiver or Value())
        ):
            yield event


@rule(
    "device-unused",
    "warning",
    "`device` is defined and not used",
    "The line moves nothing: model and inputs stay where they were made, as a rule on the CPU.",
)
def device_unused(script: Context) -> Iterator[Found]:
    """A device in a variable that nothing reads."""
    for name, node, value in script.flow.assigned:
        if not _DEVICE_NAME.fullmatch(name) or script.tree.read[name] > 1:
            continue
        if _place(device_of(value)) is None or (_of_class(script, node) and _read_as_attribute(script, name)):
            continue
        edits = _use_device(script, name, node)
        yield Found(
            node, f"`{name}` is defined and never used", f"use it: `model.to({name})`, `inputs.to({name})`", edits
        )
    yield from _unused_attributes(script)
    yield from _unused_items(script)


def _of_class(script: Context, target: cst.CSTNode) -> bool:
    """Whether a name is given a value in the body of a class."""
    return any(
        small.target is target
        if isinstance(small, cst.AnnAssign)
        else any(one.target is target for one in small.targets)
        for made in script.tree.every(cst.ClassDef)
        for statement in made.body.body
        for small in getattr(statement, "body", ())
        if isinstance(small, cst.AnnAssign | cst.Assign)
    )


def _read_as_attribute(script: Context, name: str, but: cst.CSTNode | None = None) -> bool:
    """Whether something reads an attribute of a name that is not a model's own."""
    return any(
        one.attr.value == name and one is not but and not re.search(r"model|torch|lm$", script.code(one.value))
        for one in script.tree.every(cst.Attribute)
    )


def _unused_items(script: Context) -> Iterator[Found]:
    """`{"device": …}` in a dict of which other items alone are read."""
    for name, _, value in script.flow.assigned:
        if not isinstance(value, Table) or not value.complete:
            continue
        asked = [one.slice[0].slice for one in script.tree.every(cst.Subscript)
                 if isinstance(one.value, cst.Name) and one.value.value == name]  # fmt: skip
        keys = {spelt(one.value) if isinstance(one, cst.Index) and isinstance(one.value, cst.SimpleString) else None
                for one in asked}  # fmt: skip
        if not asked or script.tree.read[name] != len(asked) + 1 or None in keys:
            continue  # handed on as a whole, or asked for something that is not known
        for key, item in value.items.items():
            node = value.nodes.get(key)
            if key in keys or node is None or not isinstance(key, str) or not _DEVICE_NAME.fullmatch(key):
                continue
            if _place(device_of(item)) is not None:
                use = f"`model.to({name}[{key!r}])`"
                yield Found(node, f"`{name}[{key!r}]` is defined and never used", f"use it: {use}, and the inputs too")


def _unused_attributes(script: Context) -> Iterator[Found]:
    """`self.device = …` that nothing reads."""
    for store in script.flow.stores:
        if not isinstance(store.receiver, Instance) or not _DEVICE_NAME.fullmatch(store.path):
            continue
        if _place(device_of(store.value)) is None or store.receiver.of.name in ("Namespace", "super"):
            continue
        if _read_as_attribute(script, store.path, store.node):
            continue
        name = script.code(store.node)
        yield Found(
            store.node, f"`{name}` is defined and never used", f"use it: `model.to({name})`, `inputs.to({name})`"
        )


def _use_device(script: Context, name: str, node: cst.CSTNode) -> tuple[Edit, ...]:
    """Move the one model and its one input there, where both are plain and come after it."""
    models = [one for one in script.models if one.event is not None and not one.body.guessed]
    runs = [one for one in script.events if one.short == "generate" and model_of(one) is not None]
    if not models or not runs or len({id(one.body) for one in models}) != 1 or models[0].body.moved:
        return ()
    last = models[-1].event
    batch = runs[0].facts.get("batch")
    if not isinstance(batch, Batch) or batch.event is None or batch.added_device:
        return ()
    position = script.tree.span(node)[0]
    spans = [script.tree.span(last.node), script.tree.span(batch.event.node)]
    if any(start < position for start, _ in spans) or len({last.function, batch.event.function}) != 1 or last.function:
        return ()
    return tuple(Edit(end, end, f".to({name})") for _, end in spans)


@rule(
    "fp32-large-model",
    "warning",
    "a large model is held in fp32",
    "It takes four bytes a parameter, where bf16 takes two.",
)
def fp32_large_model(script: Context) -> Iterator[Found]:
    """fp32 said in so many words, or a checkpoint that is kept in fp32 and loaded as it is."""
    yield from _cast_up(script)
    told: set[str] = set()
    for model in script.models:
        body = model.body
        size = size_by_name(body.base)
        if model.event is not body.event or size is None or size < LARGE or body.quantised or body.scratch:
            continue
        if _STORED_SMALL.search(body.base or ""):
            continue
        event: Event = body.event
        asked = event.given("dtype") or event.given("torch_dtype")
        known = _dtype(asked.value) if asked is not None else "auto"
        if known == "auto" and not kept_in_fp32(body.base):
            continue
        if known not in ("auto", "float32") or event.unpacks or _cast_later(script, model):
            continue
        adapted = body.wrapped or any("peft_config" in trainer.given for trainer in script.trainers)
        if script.trains and not adapted:
            continue  # full tuning holds fp32 weights on purpose
        if body.base in told:
            continue
        told.add(body.base or "")
        here = memory_here()
        have = f"; this machine has {here / 1e9:.0f} GB" if here else ""
        reason = (
            "is asked for in fp32" if known == "float32" else "has its checkpoint in fp32, which is loaded as it stands"
        )
        edits = (
            _in_bf16(script, asked.node.value)
            if asked is not None
            else add_argument(script.tree, event.node, 'dtype="bfloat16"')
        )
        yield Found(
            event.node,
            f"{body.base} {reason}: {size * 4 / 1e9:.0f} GB, against {size * 2 / 1e9:.0f} GB in bf16{have}",
            'say `dtype="bfloat16"`',
            edits,
        )


def _cast_up(script: Context) -> Iterator[Found]:
    """`.float()` and `.to(torch.float32)` of a large model."""
    for event in script.calls("float", "to"):
        model = model_of(event)
        size = size_by_name(model.body.base) if model is not None else None
        if model is None or size is None or size < LARGE or model.body.quantised:
            continue
        asked = [one for one in event.arguments if _dtype(one.value) == "float32"]
        if event.short == "to" and not asked:
            continue
        func = event.node.func
        alone = event.short == "float" or len(event.arguments) == 1
        edits: tuple[Edit, ...] = ()
        if alone and isinstance(func, cst.Attribute) and not event.discarded:
            edits = (Edit(script.tree.span(func.value)[1], script.tree.span(event.node)[1], ""),)
        yield Found(
            event.node,
            f"{model.body.base} is made fp32 here: {size * 4 / 1e9:.0f} GB, against {size * 2 / 1e9:.0f} GB in bf16",
            "leave it in the dtype in which it is loaded",
            edits,
        )


def _dtype(value: Value) -> str | None:
    known = constant(value)
    if isinstance(known, str):
        return known.removeprefix("torch.")
    if isinstance(value, Const):
        return "auto"  # None
    if isinstance(value, Either) and len({_dtype(option) for option in value.options}) > 1:
        return None  # by a condition of the script
    name = named(value)
    return {"float": "float32"}.get(name.rsplit(".", 1)[-1], name.rsplit(".", 1)[-1]) if name is not None else None


def _in_bf16(script: Context, node: cst.BaseExpression) -> tuple[Edit, ...]:
    """bf16 in the place of a dtype, or where the variable that names it is assigned."""
    if isinstance(node, cst.Name) and script.tree.read[node.value] == 2:
        for one in script.tree.every(cst.Assign):
            if isinstance(one.targets[0].target, cst.Name) and one.targets[0].target.value == node.value:
                return replace(script.tree, one.value, _bf16(script, one.value))
    return replace(script.tree, node, _bf16(script, node))


def _bf16(script: Context, node: cst.BaseExpression) -> str:
    code = script.code(node)
    return re.sub(r"float32$|float$", "bfloat16", code) if code.startswith("torch.") else '"bfloat16"'


def _cast_later(script: Context, model: Model) -> bool:
    return any(
        event.short in ("half", "bfloat16")
        or (
            event.short == "to"
            and any("float16" in (named(one.value) or str(constant(one.value))) for one in event.arguments)
        )
        for event in script.events
        if (found := model_of(event)) is not None and found.body is model.body
    )
