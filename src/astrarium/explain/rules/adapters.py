"""Rules on adapters that get lost, do not fit, or are not known."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.bases import base_of_adapter, method_of_adapter
from astrarium.explain.context import Context, model_of
from astrarium.explain.events import Event, surely, together
from astrarium.explain.index.library import library
from astrarium.explain.index.store import installed
from astrarium.explain.mending import Edit, add_argument, drop_statement, line_before, replace
from astrarium.explain.rules.asking import (
    called_as,
    home,
    in_wrapper,
    method_known,
    name_given,
    receiver_name,
    stands_alone,
    thrown_away,
    works,
)  # fmt: skip
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.spelling import spelt
from astrarium.explain.values import Adapter, Model, Table, Value, constant, options, text_of
from astrarium.families.names import differ


@rule(
    "adapter-lost",
    "error",
    "the adapter is attached, and something else answers",
    "The script runs without any warning, and its answers come from the base alone.",
)
def adapter_lost(script: Context) -> Iterator[Found]:
    """The base loaded again, the wrapper not assigned, or another variable used."""
    for model in _attached(script):
        if works(model, model.event.order):
            if _saved_alone(script, model):
                yield from _bypassed(script, model)
            continue
        reloads = list(_reloaded(script, model))
        yield from reloads
        if not reloads:
            yield from _bypassed(script, model)


def _saved_alone(script: Context, model: Model) -> bool:
    """Whether a new adapter that lives in the wrapper is saved as it was made, while something else is trained."""
    done = {event.short for event in works(model, model.event.order)}
    method = method_known(model.adapters[-1])
    return script.trains and model.adapters[-1].fresh and done <= _KEEPS and in_wrapper(method) is True


def _attached(script: Context) -> Iterator[Model]:
    for model in script.models:
        if model.wrapper and model.adapters and model.event is model.adapters[-1].event and model.event is not None:
            yield model


def _reloaded(script: Context, model: Model) -> Iterator[Found]:
    attached: Event = model.event
    kept = name_given(script, attached)
    for other in script.models:
        event = other.event
        if other.body is model.body or event.short != "from_pretrained" or event.order < attached.order:
            continue
        if not _follows(script, attached, event) or other.wrapper or other.body.wrapped or not works(other):
            continue
        again = name_given(script, event)
        same_base = other.body.base is not None and other.body.base == model.body.base
        if model.inner is not None and works(model.inner, attached.order):
            continue
        if not (same_base or (kept is not None and again == kept)):
            continue
        edits: tuple[Edit, ...] = ()
        always = surely(attached.branch, event.branch)  # else the name may not be there
        if always and kept is not None and again is not None and home(attached) == event.function:
            if again == kept and stands_alone(event) and event.statement is not None:
                edits = drop_statement(script.tree, event.statement)
            else:
                edits = replace(script.tree, event.node, kept)
        where = script.where(attached.node)
        more = [
            one for one in event.arguments if one.name not in (None, "*", "**") and one.name not in model.body.given
        ]
        said = [
            *(f"`{one.name}`" for one in more),
            *(("its move",) if other.body.moved and not other.body.mapped and not edits else ()),
        ]
        first = model.body.event
        if edits and more and isinstance(first, Event):
            text = ", ".join(f"{one.name}={script.code(one.node.value)}" for one in more)
            edits = (*edits, *add_argument(script.tree, first.node, text)) if first.function == event.function else ()
        yield Found(
            event.node,
            f"the base is loaded again here, so the adapter attached on {where} is thrown away and "
            "the base alone answers",
            f"keep the model of {where} and delete this second loading"
            + (f"; what it says besides belongs to the first: {', '.join(said)}" if said else ""),
            edits,
        )


def _follows(script: Context, attached: Event, event: Event) -> bool:
    """Whether one of the two never happens without the other: within arms that one function does not leave early."""
    if surely(attached.branch, event.branch):
        return True
    return (
        attached.function == event.function
        and surely(event.branch, attached.branch)
        and not _leaves_between(script, attached.node, event.node)
    )


def _leaves_between(script: Context, first: cst.CSTNode, second: cst.CSTNode) -> bool:
    """Whether an arm around the first that does not hold the second returns, raises, exits, or goes on with a loop."""
    tree = script.tree
    start, end = tree.span(first)
    arms = [span for arm in tree.every(cst.IndentedBlock) if (span := tree.span(arm))[0] <= start and end <= span[1]]
    arms = [span for span in arms if not span[0] <= tree.span(second)[0] <= span[1]]
    leaving = [node for kind in (cst.Return, cst.Raise, cst.Continue, cst.Break) for node in tree.every(kind)]
    exits = [call for call in tree.every(cst.Call) if re.fullmatch(r"(sys\.|os\._)?exit|quit", tree.code(call.func))]
    return any(span[0] <= tree.span(node)[0] <= span[1] for span in arms for node in (*leaving, *exits))


_KEEPS = frozenset(["save_pretrained", "push_to_hub", "state_dict"])
_BY_METHOD = (
    "Some methods change the base in place, others live in what peft gives: only that has the adapter for sure."
)


def _bypassed(script: Context, model: Model) -> Iterator[Found]:
    attached: Event = model.event
    inner = model.inner
    if inner is None:
        return
    later = [event for event in works(inner, attached.order) if _follows(script, attached, event)]
    later = [event for event in later if event.short not in _KEEPS]
    later = [event for event in later if not any(one is model for one in options(event.receiver or Value()))]
    discarded = thrown_away(script, attached)
    if not later:
        return
    lost = in_wrapper(method_known(model.adapters[-1]))
    severity = {True: "error", None: "warning", False: "note"}[lost]
    called = called_as(script, later[0], inner)
    name = f"`{called}`" if called else "what is used"
    kind = method_known(model.adapters[-1])
    if lost is False:
        message = f"{name} answers with the adapter only because {kind} changes the base in place"
    elif lost:
        message = f"{name} is the base without the adapter: {kind} lives in what `{attached.short}` gives"
    else:
        message = f"{name} is used, and what `{attached.short}` gave is not: a prompt method's adapter is lost so"
    why = None if lost else _BY_METHOD
    edits: tuple[Edit, ...] = ()
    if discarded:
        given = attached.given("model", 0)
        local = attached.callers and not all(one.function == attached.function for one in later)
        if local:
            pass  # the name ends with the function, whose caller goes on with its own
        elif given is not None and isinstance(given.node.value, cst.Name) and attached.statement is not None:
            start = script.tree.span(attached.statement)[0]
            edits = (Edit(start, start, f"{given.node.value.value} = "),)
        yield Found(attached.node, f"the result of `{attached.short}` is not assigned; {message}",
                    "return it, and assign it where the function is called" if local else "assign it and use it",
                    edits, severity, why)  # type: ignore[arg-type]  # fmt: skip
        return
    kept = name_given(script, attached)
    if kept is None or kept == called:
        return
    for event in later:
        if not surely(attached.branch, event.branch):
            edits = ()  # the name may not be there
        elif receiver_name(script, event) is not None and event.function == home(attached):
            func = event.node.func
            node = func.value if isinstance(func, cst.Attribute) and func.attr.value == event.short else func
            edits = replace(script.tree, node, kept)
        elif event.function == home(attached) and model_of(event) is None:
            edits = _in_arguments(script, event, inner, kept)
        yield Found(event.node, message, f"use `{kept}`", edits, severity, why)  # type: ignore[arg-type]
        break


def _in_arguments(script: Context, event: Event, inner: Model, kept: str) -> tuple[Edit, ...]:
    """The wrapper in the place of the base among a call's arguments."""
    return tuple(
        edit
        for one in event.arguments
        if any(option is inner for option in options(one.value)) and isinstance(one.node, cst.Arg)
        for edit in replace(script.tree, one.node.value, kept)
    )


@rule(
    "pipeline-base",
    "error",
    "the pipeline gets the base's id, and the adapter stays outside",
    "`pipeline()` loads a model of its own from an id; the model with the adapter is never asked.",
)
def pipeline_base(script: Context) -> Iterator[Found]:
    """`pipeline(model="base")` beside an adapted model that nothing uses."""
    for model in _attached(script):
        if works(model, model.event.order) or (model.inner is not None and works(model.inner, model.event.order)):
            continue
        for event in script.calls("transformers.pipeline"):
            given = event.given("model", 1)
            base = text_of(given.value) if given is not None else None
            if given is None or base is None or not together(model.event.branch, event.branch):
                continue
            if model.body.base not in (None, base):
                continue
            kept = name_given(script, model.event)
            edits: tuple[Edit, ...] = ()
            if kept is not None and event.given("tokenizer") is not None and event.order > model.event.order:
                edits = replace(script.tree, given.node.value, kept)
            yield Found(
                event.node,
                f"the pipeline loads {base!r} alone; the adapter of {script.where(model.event.node)} is not in it",
                "give it the model with the adapter and a tokenizer: `pipeline(…, model=model, tokenizer=tokenizer)`",
                edits,
            )


def _loaded(script: Context) -> Iterator[tuple[Model, Adapter]]:
    seen = set()
    for model in script.models:
        for adapter in model.adapters:
            if adapter.paths and id(adapter) not in seen:
                seen.add(id(adapter))
                yield model, adapter


@rule(
    "adapter-wrong-base",
    "error",
    "the adapter was made for another base",
    "An adapter is a change of one set of weights: on others its tensors do not fit, or change what they were not "
    "trained on.",
)
def adapter_wrong_base(script: Context) -> Iterator[Found]:
    """From the names, and from the adapter's configuration where it is at hand."""
    for model, adapter in _loaded(script):
        base = model.body.base
        for path in adapter.paths if base is not None and "\0" not in base else ():
            yield from _for_another(script, adapter, path, base or "")


def _for_another(script: Context, adapter: Adapter, path: str, base: str) -> Iterator[Found]:
    if "\0" in path:
        return
    made_for = base_of_adapter(path)
    reason = None
    if made_for is not None:
        if differ(made_for, base):
            reason = f"its configuration names {made_for!r}"
    elif differ(path, base):
        reason = "its name speaks of another base"
    if reason is not None:
        yield Found(
            adapter.event.node,
            f"the adapter {path!r} is put on {base!r}, but {reason}",
            f"load the base it was made for{f', {made_for!r}' if made_for else ''}",
            _other_base(script, base, made_for) if made_for is not None else (),
            severity="error" if made_for else None,
        )


def _other_base(script: Context, base: str, made_for: str) -> tuple[Edit, ...]:
    """The base's id in every place where it stands, so that the tokenizer changes with the model."""
    found = [node for node in script.tree.every(cst.SimpleString) if base in node.value and spelt(node) == base]
    return tuple(Edit(*script.tree.span(node), f"{node.quote}{made_for}{node.quote}") for node in found)


@rule(
    "adapter-method-unknown",
    "error",
    "stock peft does not know the adapter's method",
    "peft stops with a KeyError when it reads the adapter's configuration.",
)
def adapter_method_unknown(script: Context) -> Iterator[Found]:
    """A `BOTTLENECK` adapter without `import astrarium`."""
    if "astrarium" in script.flow.modules or "adapters" in script.flow.modules:
        return
    peft = library("peft")
    known = set(peft.constants.get("PeftType", ())) if peft is not None else set()
    for adapter, path in [(one, path) for _, one in _loaded(script) for path in one.paths]:
        method = method_of_adapter(path)[0]
        if method is None or not known or method in known:
            continue
        bottleneck = method == "BOTTLENECK"
        yield Found(
            adapter.event.node,
            f"{path!r} is an adapter of the method `{method}`, which peft {peft.release if peft else ''} lacks",
            "add `import astrarium`: it teaches the installed peft this method"
            if bottleneck
            else "use a peft that has it",
            _import_edit(script) if bottleneck else (),
        )
    for node, method in _methods_said(script):
        if known and method not in known:
            bottleneck = method == "BOTTLENECK"
            yield Found(
                node,
                f"peft {peft.release if peft else ''} has no method `{method}`",
                "add `import astrarium`: it teaches the installed peft this method"
                if bottleneck
                else "say one that it has: " + ", ".join(f"`{one}`" for one in sorted(known)[:6]) + ", …",
                _import_edit(script) if bottleneck else (),
            )


def _methods_said(script: Context) -> Iterator[tuple[cst.CSTNode, str]]:
    """Methods named by peft's type: `get_peft_config({"peft_type": …})` and `PeftConfig(peft_type=…)`."""
    for event in script.events:
        if event.name in ("peft.PeftConfig", "peft.PeftConfig.from_peft_type"):
            value, node = event.value("peft_type"), event.node
        elif event.name == "peft.get_peft_config":
            table = event.value("config_dict", 0)
            if not isinstance(table, Table):
                continue
            value, node = table.items.get("peft_type", Value()), table.nodes.get("peft_type", event.node)
        else:
            continue
        method = constant(value)
        if isinstance(method, str):
            yield node, method.upper()


def _import_edit(script: Context) -> tuple[Edit, ...]:
    for statement in script.tree.module.body:
        if isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                if isinstance(small, cst.Import | cst.ImportFrom) and "__future__" not in script.code(small):
                    return line_before(script.tree, small, "import astrarium")
    return ()


_FORK = re.compile(
    r"(?:pip3?|uv pip)\s+install\s[^\n]*"
    r"(?:astraios\S*subdirectory=peft|git\+\S*/peft(?!\S*huggingface)\S*|peft\s*==\s*0\.[0-6]\b\S*)"
)


@rule(
    "peft-fork",
    "warning",
    "a fork or an old version shadows peft",
    "It installs under the name peft and takes the place of the one that the current transformers asks for.",
)
def peft_fork(script: Context) -> Iterator[Found]:
    """An install line for a fork, or a fork that is installed here."""
    shown = script.script.shown(script.text)
    for number, line in enumerate(shown.split("\n"), 1):
        found = _FORK.search(line)
        if not found or "huggingface/peft" in found.group():
            continue
        edits: tuple[Edit, ...] = ()
        plain = script.text.split("\n")[number - 1]
        if plain == line and line.lstrip().startswith("#"):
            start = script.tree.starts[number - 1]
            edits = (Edit(start + found.start(), start + found.end(), "pip install -q peft"),)
        yield Found(
            number,
            "this installs a fork or an old peft in the place of the one that the current transformers asks for",
            "install peft itself; `import astrarium` adds the fork's bottleneck adapters to it",
            edits,
        )
    here = installed("peft")
    if here is not None and re.match(r"0\.[0-6]\.", here[1]) and "peft" in script.flow.modules:
        yield Found(
            1, f"the peft installed here is {here[1]}, older than transformers 5 can use", "`pip install -U peft`"
        )
