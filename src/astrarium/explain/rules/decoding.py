"""Rules on how what was generated becomes text again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.context import Context
from astrarium.explain.events import Event
from astrarium.explain.mending import Edit, add_argument
from astrarium.explain.rules.asking import home, name_given
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import Batch, Output, Value, options, text_of


def _decodings(script: Context) -> Iterator[tuple[Event, Output]]:
    for event in script.events:
        if event.short in ("decode", "batch_decode") and event.arguments:
            for option in _deep(event.arguments[0].value):
                if isinstance(option, Output):
                    yield event, option
                    break


def _deep(value: Value) -> Iterator[Value]:
    for option in options(value):
        yield option
        rest = getattr(option, "rest", None)
        if rest is not None:
            yield from options(rest)


@rule(
    "special-tokens-kept",
    "note",
    "the answer is decoded with its special tokens",
    "The end token, and padding in a batch, come out as part of the text.",
)
def special_tokens_kept(script: Context) -> Iterator[Found]:
    """`decode` of generated tokens without `skip_special_tokens=True`."""
    for event, output in _decodings(script):
        given = event.given("skip_special_tokens", 1)
        if given is not None or event.unpacks or _for_fim(script, output):
            continue
        yield Found(
            event.node,
            "the answer is decoded with its special tokens in it",
            "say `skip_special_tokens=True`",
            add_argument(script.tree, event.node, "skip_special_tokens=True"),
        )


def _for_fim(script: Context, output: Output) -> bool:
    """Whether the special tokens are what the answer is cut at."""
    prompt = output.prompt
    texts = [text_of(one) or "" for one in prompt.prompts] if isinstance(prompt, Batch) else []
    return any("fim" in text for text in texts) or script.mentions("fim_middle")


@rule(
    "prompt-decoded",
    "note",
    "the prompt is decoded along with the answer",
    "A decoder's `generate` gives the prompt and the answer behind it: the text begins with the prompt.",
)
def prompt_decoded(script: Context) -> Iterator[Found]:
    """`decode(outputs[0])` without cutting the prompt off."""
    for event, output in _decodings(script):
        model = output.model
        if not output.whole or model is None or model.body.causal is False or _for_fim(script, output):
            continue
        if model.body.guessed and not model.wrapper:
            continue
        if _cut_later(script, event):
            continue
        yield Found(
            event.node,
            "the prompt is decoded along with the answer",
            "cut it off: `outputs[0][inputs.input_ids.shape[-1]:]`",
            _cut(script, event, output),
        )


def _cut_later(script: Context, event: Event) -> bool:
    """Whether the text is cut at a mark, or the prompt taken away from it, afterwards."""
    statement = script.code(event.statement) if event.statement is not None else ""
    if re.search(r"\.(split|replace|removeprefix|partition|find|index)\(|\[len\(", statement):
        return True
    if id(event.node) in script.handed_calls:
        return True
    words = re.findall(r"\w+", name_given(script, event) or "")
    return bool(words) and (words[-1] in script.cut_names or (home(event), words[-1]) in script.handed_on)


def _cut(script: Context, event: Event, output: Output) -> tuple[Edit, ...]:
    """The edit that cuts the prompt off, where the prompt has a name."""
    node = event.node.args[0].value
    if event.short == "batch_decode" and isinstance(node, cst.Name):
        rows = ":, "
    elif event.short == "decode" and re.fullmatch(r"\w+\[0\]", script.code(node).replace(" ", "")):
        rows = ""
    else:
        return ()
    call = output.event
    for argument in call.arguments:
        for option in options(argument.value):
            if not isinstance(option, Batch):
                continue
            source = script.code(argument.node.value)
            if not re.fullmatch(r"[\w.]+(\[[\"']input_ids[\"']\])?", source):
                return ()
            if argument.name == "**" or (argument.name is None and not option.part):
                source = f'{source}["input_ids"]'
            end = script.tree.span(node)[1]
            return (Edit(end, end, f"[{rows}{source}.shape[-1]:]"),)
    return ()
