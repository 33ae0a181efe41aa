"""Rules on padding in what is learned from."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.context import Context, model_of, named
from astrarium.explain.rules.asking import right_side
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import UNKNOWN, Table, Tokenizer, Value, options


@rule(
    "pad-is-eos",
    "warning",
    "the padding token is the end token, and the loss leaves out padding",
    "Labels are masked by the value of the padding token, so the end of every answer is masked too: the model "
    "never learns to stop.",
)
def pad_is_eos(script: Context) -> Iterator[Found]:
    """`pad_token = eos_token` with a collator that masks by value, or with labels masked by hand."""
    if not script.trains:
        return
    masks = list(_masks_by_value(script))
    for node, receiver in _eos_for_padding(script):
        line = next((line for line, by in masks if _may_be_one(receiver, by)), None)
        if line is not None:
            yield Found(node, *_pad_told(line))


def _eos_for_padding(script: Context) -> Iterator[tuple[cst.CSTNode, Value]]:
    """Where the end token is made the padding token: the node, and the tokenizer."""
    for store in script.stores("pad_token"):
        if (named(store.value) or "").endswith("eos_token"):
            yield store.node, store.receiver
    for store in script.stores("pad_token_id"):
        if (named(store.value) or "").endswith("eos_token_id") and "config" not in store.path:
            yield store.node, store.receiver
    for event in script.calls("add_special_tokens"):
        given = event.value("special_tokens_dict", 0)
        if isinstance(given, Table) and (named(given.items.get("pad_token", Value())) or "").endswith("eos_token"):
            yield event.node, event.receiver or UNKNOWN


def _may_be_one(one: Value, other: Value) -> bool:
    """Whether two values may be the same tokenizer: two that are known to be made apart are not."""
    first, second = ([made for made in options(value) if isinstance(made, Tokenizer)] for value in (one, other))
    if not first or not second or any(made.guessed for made in (*first, *second)):
        return True
    return any(made is again for made in first for again in second)


def _pad_told(line: int) -> tuple[str, str]:
    return (
        f"padding and the end of a text are the same token, and line {line} masks the loss by it",
        "give padding a token of its own: tokenizer.add_special_tokens({'pad_token': '<pad>'}), then "
        "model.resize_token_embeddings(len(tokenizer)); or mask labels by the attention mask",
    )


def _masks_by_value(script: Context) -> Iterator[tuple[int, Value]]:
    """Where labels are masked by the padding token's value: the line, and the tokenizer."""
    for event in script.calls("DataCollatorForLanguageModeling", "DataCollatorForCompletionOnlyLM"):
        if event.name.startswith("trl.DataCollatorForLanguageModeling"):
            continue
        if event.short == "DataCollatorForCompletionOnlyLM":
            yield script.tree.line(event.node), event.value("tokenizer")
        elif event.constant("mlm", 1) is False:
            yield script.tree.line(event.node), event.value("tokenizer", 0)
    if "-100" in script.text:
        for node, tokenizer in script.flow.compared_with_padding:
            yield script.tree.line(node), tokenizer


@rule(
    "padding-in-loss",
    "warning",
    "padding is counted in the loss",
    "Labels are a copy of the padded ids: most of what is learned is to write padding.",
)
def padding_in_loss(script: Context) -> Iterator[Found]:
    """`labels = input_ids` after padding, with nothing that puts -100 there."""
    if not script.trains or "-100" in script.text:
        return
    if any(event.short.startswith("DataCollatorFor") for event in script.events):
        return
    padded = [
        event
        for event in script.calls("__call__", "encode", "batch_encode_plus")
        if event.name.startswith("transformers.PreTrainedTokenizerBase")
        and event.constant("padding") not in (None, False)
    ]
    if not padded:
        return
    for store in script.flow.stores:
        if store.path == "[labels]" and "input_ids" in right_side(script, store.node):
            yield Found(store.node, *_PADDED)
    for event in script.events:
        given = event.given("labels")
        if given is None or not re.search(r"input_ids|\bids\b", script.code(given.node.value)):
            continue
        model = model_of(event)
        if model is not None and event.short in ("__call__", "forward") and model.body.causal is not False:
            yield Found(given.node, *_PADDED)


_PADDED = (
    "the labels are the padded ids: the loss is taken over the padding too",
    "mask it: labels[attention_mask == 0] = -100, or let DataCollatorForLanguageModeling(tokenizer, mlm=False) "
    "make the labels",
)
