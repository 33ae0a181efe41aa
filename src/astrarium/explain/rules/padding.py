"""Rules on padding in what is learned from."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.bases import padding_token
from astrarium.explain.context import Context, model_of, named
from astrarium.explain.events import Given, Store
from astrarium.explain.mending import Edit, replace
from astrarium.explain.rules.asking import right_side
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import UNKNOWN, Batch, Function, Table, Tokenizer, Value, constant, options, text_of


@rule(
    "pad-is-eos",
    "warning",
    "the padding token is the end token, and the loss leaves out padding",
    "Labels are masked by the value of the padding token, so that the end of every row is masked too, and nothing in "
    "the loss teaches the model to stop.",
)
def pad_is_eos(script: Context) -> Iterator[Found]:
    """`pad_token = eos_token` with a collator that masks by value, or with labels masked by hand."""
    if not script.trains:
        return
    masks = list(_masks_by_value(script))
    for node, receiver in _eos_for_padding(script):
        mask = next((mask for mask, by in masks if _may_be_one(receiver, by)), None)
        if mask is not None:
            yield Found(node, *_pad_told(script.where(mask), receiver))


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


def _pad_told(where: str, tokenizer: Value) -> tuple[str, str]:
    bases = [made.base for made in options(tokenizer) if isinstance(made, Tokenizer)]
    has = {padding_token(base) for base in bases}
    own = next(iter(has)) if len(has) == 1 else None
    return (
        f"padding and the end of a text are the same token, and {where} masks the loss by it",
        f"give padding a token of its own, which this tokenizer has: `tokenizer.pad_token = '{own}'`; nothing has to "
        "be resized for it"
        if own is not None
        else "give padding a token of its own: `tokenizer.add_special_tokens({'pad_token': '<pad>'})`, then "
        "`model.resize_token_embeddings(len(tokenizer))`; or mask labels by the attention mask",
    )


def _masks_by_value(script: Context) -> Iterator[tuple[cst.CSTNode, Value]]:
    """Where labels are masked by the padding token's value: the node, and the tokenizer."""
    for event in script.calls("DataCollatorForLanguageModeling", "DataCollatorForCompletionOnlyLM"):
        if event.name.startswith("trl.DataCollatorForLanguageModeling"):
            continue
        if event.short == "DataCollatorForCompletionOnlyLM":
            yield event.node, event.value("tokenizer")
        elif event.constant("mlm", 1) is False:
            yield event.node, event.value("tokenizer", 0)
    if "-100" in script.text:
        yield from script.flow.compared_with_padding


@rule(
    "padding-in-loss",
    "warning",
    "padding is counted in the loss",
    "Labels are a copy of the padded ids, so that the model is taught to write padding too; the shorter the rows, the "
    "more of the loss that is.",
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
            edits, left = _masked_store(script, store)
            yield Found(store.node, _PADDED, _MASK + left, edits)
    for event in script.events:
        given = event.given("labels")
        if given is None or not re.search(r"input_ids|\bids\b", script.code(given.node.value)):
            continue
        model = model_of(event)
        if model is not None and event.short in ("__call__", "forward") and model.body.causal is not False:
            edits, left = _masked_argument(script, given)
            yield Found(given.node, _PADDED, _MASK + left, edits)


_PADDED = "the labels are the padded ids: the loss is taken over the padding too"
_MASK = (
    "mask it: `labels[attention_mask == 0] = -100`, or let `DataCollatorForLanguageModeling(tokenizer, mlm=False)` "
    "make the labels"
)
_COPY = re.compile(
    r"(?P<of>[\w.]+)(?P<key>\[[\"']input_ids[\"']\]|\.input_ids)(?:\.(?:clone|copy|detach\(\)\.clone)\(\)|\[:\])?"
)
"""The ids of a batch, or a copy of them."""


def _masked_store(script: Context, store: Store) -> tuple[tuple[Edit, ...], str]:
    """The edit of `batch["labels"] = batch["input_ids"]…`; where there is none, why."""
    value = next((one.value for one in script.tree.every(cst.Assign) if one.targets[0].target is store.node), None)
    batch = next((one for one in options(store.receiver) if isinstance(one, Batch) and one.padded), None)
    found = _COPY.fullmatch(script.code(value)) if value is not None else None
    if batch is None or value is None or found is None or not isinstance(store.node, cst.Subscript):
        return (), "; `--fix` leaves it, since the attention mask of these ids is not at hand"
    if found["of"] != script.code(store.node.value) or batch.event.constant("return_attention_mask") is False:
        return (), "; `--fix` leaves it, since the attention mask of these ids is not at hand"
    ids, mask = f"{found['of']}{found['key']}", f"{found['of']}{found['key'].replace('input_ids', 'attention_mask')}"
    if batch.tensors:
        return replace(script.tree, value, f"{ids}.masked_fill({mask} == 0, -100)"), ""
    rows = _in_rows(script, batch)
    if rows is None:
        return (), "; `--fix` leaves it, since one row and many are masked otherwise, and which it is does not show"
    one = "[token if seen else -100 for token, seen in zip({})]"
    many = f"[{one.format('*row')} for row in zip({ids}, {mask})]"
    return replace(script.tree, value, many if rows else one.format(f"{ids}, {mask}")), ""


def _in_rows(script: Context, batch: Batch) -> bool | None:
    """Whether lists of lists come out of a tokenizer: from what it is given, or from the `map` that calls it."""
    if batch.many:
        return True
    here = batch.event.function.rsplit(".", 1)[-1]
    for event in script.calls("map"):
        given = event.given("function", 0)
        for option in options(given.value) if given is not None else ():
            if isinstance(option, Function) and isinstance(option.node, cst.FunctionDef):
                batched = event.given("batched")
                known = constant(batched.value) if batched is not None else False
                if here and option.node.name.value == here and not event.unpacks:
                    return known if isinstance(known, bool) else None
    return False if any(text_of(one) is not None for one in batch.prompts) else None


def _masked_argument(script: Context, given: Given) -> tuple[tuple[Edit, ...], str]:
    """The edit of `model(**batch, labels=batch["input_ids"])`; where there is none, why."""
    found = _COPY.fullmatch(script.code(given.node.value))
    batch = next((one for one in options(given.value) if isinstance(one, Batch)), None)
    if found is None or batch is None or not batch.tensors or not batch.padded:
        return (), "; `--fix` leaves it, since the attention mask of these ids is not at hand"
    mask = f"{found['of']}{found['key'].replace('input_ids', 'attention_mask')}"
    ids = script.code(given.node.value).removesuffix("[:]").removesuffix(".clone()")
    return replace(script.tree, given.node.value, f"{ids}.masked_fill({mask} == 0, -100)"), ""
