"""Rules on names and arguments that the installed transformers and peft do not have, or call otherwise.

What is there is read from the index of the installed packages. The tables below only say what took an old name's place;
an entry counts only where the index bears it out: the old name is gone, the new one is there.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.context import Context
from astrarium.explain.events import Event, Given
from astrarium.explain.index.library import PACKAGES, Library, Signature, library
from astrarium.explain.mending import Edit, line_before, remove_argument, rename, replace
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.rules.successors import DROPPED, ELSEWHERE, GONE_METHODS, NEW_ARGUMENTS, NEW_NAMES, OPEN_CALLS
from astrarium.explain.values import constant


def _libraries() -> Iterator[Library]:
    for package in PACKAGES:
        found = library(package)
        if found is not None:
            yield found


@rule(
    "name-gone",
    "error",
    "the installed library has no such name",
    "The import, or the first use, stops with an error.",
)
def name_gone(script: Context) -> Iterator[Found]:
    """Imports from transformers and peft, and names reached through the module."""
    for found in _libraries():
        for one in script.flow.imports:
            if (
                one.package == found.package
                and one.module == found.package
                and not one.guarded
                and not found.has(one.name)
            ):
                yield Found(one.node, *_gone(script, found, one.name, one.node))
        for event in script.events:
            parts = event.name.split(".")
            if parts[0] != found.package or len(parts) < 2 or not _through_module(script, event, parts[1]):
                continue
            if not found.has(parts[1]) and parts[1] not in ("utils", "models"):
                yield Found(event.node.func, *_gone(script, found, parts[1], None))


def _through_module(script: Context, event: Event, name: str) -> bool:
    """Whether the name stands right behind the module's: `tf.AutoModel.from_pretrained`, not `tf.utils.logging.…`."""
    parts = script.code(event.node.func).split(".")
    return len(parts) > 1 and parts[1] == name and not any(one.name == parts[0] for one in script.flow.imports)


def _gone(script: Context, found: Library, name: str, node: cst.CSTNode | None) -> tuple[str, str, tuple[Edit, ...]]:
    message = f"{found.package} {found.release} has no `{name}`"
    home = ELSEWHERE.get(name)
    if home is not None:
        return message, f"take it from `{home}`: `from {home} import {name}`", _from_elsewhere(script, name, home, node)
    new = NEW_NAMES.get(found.package, {}).get(name)
    if new is None or not found.has(new):
        new = None
        if name.startswith(("TF", "Flax")) and found.has(name.removeprefix("TF").removeprefix("Flax")):
            return (
                message,
                f"TensorFlow and Flax are gone; the PyTorch class is `{name.removeprefix('TF').removeprefix('Flax')}`",
                (),
            )
        close = difflib.get_close_matches(name, found.exports, 1, 0.88)
        return (
            message,
            f"is `{close[0]}` meant?" if close else "look for its successor in the library's migration guide",
            (),
        )
    edits: tuple[Edit, ...] = ()
    if isinstance(node, cst.ImportAlias):
        if node.asname is not None:
            edits = replace(script.tree, node.name, new)
        else:
            edits = tuple(_renamed_everywhere(script, name, new))
    return message, f"it is called `{new}` now", edits


def _renamed_everywhere(script: Context, old: str, new: str) -> Iterator[Edit]:
    for node in script.tree.names:
        if node.value == old:
            yield Edit(*script.tree.span(node), new)


def _from_elsewhere(script: Context, name: str, home: str, node: cst.CSTNode | None) -> tuple[Edit, ...]:
    """`from transformers import a, AdamW` → without it, and a line that imports it from where it is now."""
    for statement in script.tree.module.body:
        if not isinstance(statement, cst.SimpleStatementLine):
            continue
        for small in statement.body:
            if (
                isinstance(small, cst.ImportFrom)
                and not isinstance(small.names, cst.ImportStar)
                and node in small.names
            ):
                names = list(small.names)
                position = names.index(node)  # type: ignore[arg-type]
                if names[position].asname is not None:
                    return ()
                if len(names) == 1:
                    return replace(script.tree, small, f"from {home} import {name}")
                start, end = script.tree.span(names[position])
                if position + 1 < len(names):
                    end = script.tree.span(names[position + 1])[0]
                else:
                    start = script.tree.span(names[position - 1])[1]
                return (Edit(start, end, ""), *line_before(script.tree, statement, f"from {home} import {name}"))
    return ()


@rule(
    "argument-gone",
    "error",
    "the installed library's function does not take this argument",
    "The call stops with a TypeError, or the argument is passed over without a word.",
)
def argument_gone(script: Context) -> Iterator[Found]:
    """Keywords held against the parameters in the installed sources."""
    for event in script.events:
        signature, found = _signature(event)
        if signature is None or found is None:
            continue
        known = {parameter.name for parameter in signature.parameters} | signature.popped
        for argument in event.arguments:
            name = argument.name
            if name in (None, "*", "**") or name in known or argument.key is None:
                continue
            if signature.open and name not in _old(event, known):
                continue
            new = NEW_ARGUMENTS.get(name or "")
            new = new if new in known or (signature.open and new == "token") else None
            yield Found(argument.node, *_argument_told(script, event, argument, found, name or "", new, known))


def _signature(event: Event) -> tuple[Signature | None, Library | None]:
    package, _, rest = event.name.partition(".")
    found = library(package) if package in PACKAGES and rest else None
    if found is None:
        return None, None
    if event.short == "from_pretrained":
        owner = rest.split(".")[0]
        if owner.endswith("Config") or owner.endswith("Processor"):
            return None, None
        target = (
            "PeftModel"
            if owner.startswith("PeftModel")
            else "PreTrainedTokenizerBase"
            if "Tokenizer" in owner
            else "PreTrainedModel"
        )
        if package == "peft" and target != "PeftModel":
            return None, None
        return found.signature(f"{target}.from_pretrained"), found
    if (
        event.short.endswith("Trainer")
        or event.short.startswith("DataCollator")
        or "." not in rest
        or event.short in OPEN_CALLS
        or event.short == "generate"
    ):
        return found.signature(rest), found
    return None, None


def _old(event: Event, known: set[str]) -> set[str]:
    """Of a call that takes any keyword: those that are old, or misspelt."""
    if event.short == "generate":
        generation = library("transformers")
        config = generation.signature("GenerationConfig") if generation is not None else None
        if config is None:
            return set()
        valid = known | config.popped
        return {
            argument.name
            for argument in event.arguments
            if argument.name is not None and argument.name not in valid and argument.name not in ("*", "**")
            and difflib.get_close_matches(argument.name, valid, 1, 0.86)
        }  # fmt: skip
    return set(OPEN_CALLS.get(event.short, ()))


def _argument_told(
    script: Context, event: Event, given: Given, found: Library, name: str, new: str | None, known: set[str]
) -> tuple[str, str, tuple[Edit, ...]]:
    called, node = event.name.split(".", 1)[1].replace(".__call__", ""), given.node
    message = f"`{called}` of {found.package} {found.release} does not take `{name}`"
    if new is not None:
        return message, f"it is called `{new}` now", rename(script.tree, given.key, new)
    if name in ("load_in_4bit", "load_in_8bit"):
        return (
            message,
            f"say `quantization_config=BitsAndBytesConfig({name}=True)`",
            _quantisation(script, event, node, name),
        )
    if name == "use_flash_attention_2":
        return (
            message,
            'say `attn_implementation="flash_attention_2"`',
            _instead(script, node, 'attn_implementation="flash_attention_2"'),
        )
    if name == "pad_to_max_length":
        return message, 'say `padding="max_length"`', _instead(script, node, 'padding="max_length"')
    if name == "group_by_length" and "train_sampling_strategy" in known:
        return (
            message,
            'say `train_sampling_strategy="group_by_length"`',
            _instead(script, node, 'train_sampling_strategy="group_by_length"'),
        )
    if name in DROPPED:
        return message, "leave it out", remove_argument(script.tree, event.node, node)
    valid = known
    if event.short == "generate":
        generation = library("transformers")
        config = generation.signature("GenerationConfig") if generation is not None else None
        valid = known | (config.popped if config is not None else frozenset())
    close = difflib.get_close_matches(name, valid, 1, 0.8)
    if close:
        return message, f"is `{close[0]}` meant?", rename(script.tree, given.key, close[0])
    return message, f"leave it out; it takes {', '.join(f'`{one}`' for one in sorted(known)[:6])}, …", ()


def _instead(script: Context, node: cst.CSTNode, text: str) -> tuple[Edit, ...]:
    """Another argument in the place of one; nothing where it is an item of a dict."""
    return replace(script.tree, node, text) if isinstance(node, cst.Arg) and not node.star else ()


def _quantisation(script: Context, event: Event, node: cst.CSTNode, name: str) -> tuple[Edit, ...]:
    if event.given("quantization_config") is not None or constant(event.value(name)) is not True:
        return remove_argument(script.tree, event.node, node) if constant(event.value(name)) is False else ()
    edits = _instead(script, node, f"quantization_config=BitsAndBytesConfig({name}=True)")
    if not edits or script.tree.read["BitsAndBytesConfig"]:
        return edits
    for imported in script.flow.imports:
        if imported.module == "transformers":
            end = script.tree.span(imported.node)[1]
            return (Edit(end, end, ", BitsAndBytesConfig"), *edits)
    return ()


@rule(
    "argument-renamed",
    "note",
    "an argument has a new name",
    "The old one still works, with a warning; the library's own sources call it deprecated.",
)
def argument_renamed(script: Context) -> Iterator[Found]:
    """Arguments that the installed sources themselves call deprecated in favour of another."""
    transformers = library("transformers")
    if transformers is None:
        return
    renamed = {
        **transformers.renamed.get("transformers.modeling_utils", {}),
        **transformers.renamed.get("transformers.pipelines", {}),
    }
    for event in script.events:
        if event.short not in ("from_pretrained", "from_config", "pipeline") or not event.name.startswith(
            ("transformers.", "peft.Auto")
        ):
            continue
        for argument in event.arguments:
            new = renamed.get(argument.name or "")
            if new is None or argument.key is None or event.given(new) is not None:
                continue
            yield Found(
                argument.node, f"`{argument.name}` is called `{new}` in transformers {transformers.release}",
                f"say `{new}=`", rename(script.tree, argument.key, new),
            )  # fmt: skip


@rule(
    "method-gone",
    "error",
    "the installed library's object has no such method",
    "The call stops with an AttributeError.",
)
def method_gone(script: Context) -> Iterator[Found]:
    """`encode_plus` and others that the installed sources no longer have."""
    transformers = library("transformers")
    if transformers is None:
        return
    for event in script.events:
        if event.short not in GONE_METHODS or not isinstance(event.node.func, cst.Attribute):
            continue
        about = event.name.startswith("transformers.PreTrainedTokenizerBase.") or event.name.startswith("?.")
        if (
            not about
            or "transformers" not in script.flow.modules
            or transformers.has_member("PreTrainedTokenizerBase", event.short)
        ):
            continue
        func = event.node.func
        edits: tuple[Edit, ...] = ()
        if GONE_METHODS[event.short] == "__call__" and event.short != "prepare_for_model":
            edits = (Edit(script.tree.span(func.value)[1], script.tree.span(func)[1], ""),)
            old = event.given("pad_to_max_length")
            if old is not None:
                edits = (*edits, *replace(script.tree, old.node, 'padding="max_length"'))
        name = script.code(func.value)
        yield Found(
            event.node,
            f"a tokenizer of transformers {transformers.release} has no `{event.short}`",
            f"call the tokenizer: `{name}(…)`" + ("" if edits else ", the targets as `text_target=…`"),
            edits,
        )
