"""Rules on generating text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.bases import padding_side, puts_bos_in_front
from astrarium.explain.context import Context, model_of, settings_of
from astrarium.explain.events import Event
from astrarium.explain.mending import Edit, add_argument, inside, line_before, replace
from astrarium.explain.methods import prompts_of
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.texts import OWN_BEGINNING
from astrarium.explain.values import Batch, Named, Templated, Tokenizer, Value, constant, options, text_of

LENGTH = 256
"""What the mended copy asks for where the script asks for nothing."""
_LIMITS = ("max_new_tokens", "max_length", "stopping_criteria", "max_time", "stop_strings", "generation_config")


@rule(
    "no-max-new-tokens",
    "warning",
    "`generate` without `max_new_tokens`",
    "transformers stops after 20 new tokens then, wherever the answer is, unless the model's own settings say "
    "otherwise.",
)
def no_max_new_tokens(script: Context) -> Iterator[Found]:
    """No length in the call, in a generation configuration, or in the model's."""
    told = any(True for path in ("max_new_tokens", "max_length", "generation_config") for _ in script.stores(path))
    for event in script.generations:
        model = model_of(event)
        if (
            told
            or (event.unpacks and _unknown_keywords(script, event))
            or any(event.given(name) is not None for name in _LIMITS)
        ):
            config = settings_of(event.value("generation_config"), "GenerationConfig")
            if config is None or told or config.event is None or config.event.unpacks:
                continue
            if config.event.short != "GenerationConfig" or any(key in config.given for key in _LIMITS):
                continue
            if any(event.given(name) is not None for name in _LIMITS if name != "generation_config"):
                continue
            edits = add_argument(script.tree, config.event.node, f"max_new_tokens={LENGTH}")
        else:
            if (
                model is not None
                and model.body.causal is False
                and not re.search(r"Seq2Seq|T5|Bart|Marian", model.body.auto_class)
            ):
                continue
            edits = add_argument(script.tree, event.node, f"max_new_tokens={LENGTH}")
        yield Found(
            event.node,
            "`generate` is given no length; left to itself it stops after 20 new tokens",
            f"say how long the answer may be: `max_new_tokens={LENGTH}`",
            edits,
        )


def _unknown_keywords(script: Context, event: Event) -> bool:
    """Whether `**something` may hold a length: it is not a tokenizer's batch."""
    return any(
        argument.name == "**"
        and not any(isinstance(option, Batch) for option in options(argument.value))
        and not re.fullmatch(r"\w*(input|enc|batch|token)\w*", script.code(argument.node.value))
        for argument in event.arguments
    )


def batch_of(event: Event) -> tuple[Batch | None, bool]:
    """The batch that `generate` is given, and whether its mask comes along."""
    for argument in event.arguments:
        for option in options(argument.value):
            if isinstance(option, Batch):
                whole = argument.name == "**" or (argument.name is None and not option.part)
                masked = event.given("attention_mask") is not None
                if argument.name in ("**", None, "inputs", "input_ids"):
                    return option, whole or masked
    return None, False


@rule(
    "no-attention-mask",
    "error",
    "a padded batch is generated from without its attention mask",
    "Without it the padding of every shorter row is read as text, unless padding has a token of its own from which "
    "`generate` guesses where it is.",
)
def no_attention_mask(script: Context) -> Iterator[Found]:
    """`generate(inputs.input_ids)` after `padding=True`."""
    for event in script.generations:
        batch, masked = batch_of(event)
        if batch is None or masked or not batch.padded or not batch.part or event.unpacks:
            continue
        argument = next(
            (one for one in event.arguments if any(isinstance(option, Batch) for option in options(one.value))), None
        )
        edits: tuple[Edit, ...] = ()
        if argument is not None and batch.part == "input_ids":
            source = script.code(argument.node.value)
            if source.endswith(".input_ids"):
                edits = add_argument(
                    script.tree, event.node, f"attention_mask={source.removesuffix('.input_ids')}.attention_mask"
                )
            elif re.search(r"\[[\"']input_ids[\"']\]$", source):
                mask = re.sub(r"input_ids([\"']\])$", r"attention_mask\1", source)
                edits = add_argument(script.tree, event.node, f"attention_mask={mask}")
        yield Found(
            event.node,
            "the batch is padded, and `generate` is not told where: the attention mask is left behind",
            "pass the whole batch, `generate(**inputs, …)`, or `attention_mask=inputs.attention_mask`",
            edits,
            severity=None if batch.tokenizer is None or batch.tokenizer.pad_is_eos else "warning",
        )


@rule(
    "right-padding",
    "warning",
    "a padded batch is generated from with the padding on the right",
    "A decoder goes on from the last position: behind right padding it continues the padding, not the prompt.",
)
def right_padding(script: Context) -> Iterator[Found]:
    """Several prompts, padded, with `padding_side` right or left as it comes."""
    for event in script.generations:
        model = model_of(event)
        if model is None or model.body.causal is False:
            continue
        batch, _ = batch_of(event)
        if (
            batch is None
            or not batch.padded
            or not (batch.many or batch.side == "right")
            or batch.side in ("left", "?")
        ):
            continue
        tokenizer = batch.tokenizer
        if tokenizer is None or tokenizer.guessed:
            continue
        loader = tokenizer.event.name.split(".")[-2] if tokenizer.event is not None else "AutoTokenizer"
        own = padding_side(tokenizer.base or model.body.base, loader)
        if batch.side is None and own == "left":
            continue
        said = batch.side == "right"
        yield Found(
            batch.event.node,
            (
                "the padding is put on the right"
                if said
                else f"the padding goes to the tokenizer's own side, {'as a rule ' if own is None else ''}the right"
            )
            + f", and {script.where(event.node)} generates from the batch",
            'pad on the left: `tokenizer.padding_side = "left"`',
            _left(script, tokenizer),
            severity="error" if said else None,
        )


def _left(script: Context, tokenizer: Tokenizer) -> tuple[Edit, ...]:
    for store in script.stores("padding_side"):
        if store.receiver is tokenizer:
            for event_node in _assigned_nodes(script, store.node):
                return replace(script.tree, event_node, '"left"')
    if tokenizer.event is None:
        return ()
    given = tokenizer.event.given("padding_side")
    if given is not None:
        return replace(script.tree, given.node.value, '"left"')
    return add_argument(script.tree, tokenizer.event.node, 'padding_side="left"')


def _assigned_nodes(script: Context, target: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for node in script.tree.every(cst.Assign):
        if any(one.target is target for one in node.targets):
            yield node.value


@rule(
    "special-tokens-twice",
    "warning",
    "special tokens are added twice",
    "The text has them already; a tokenizer that puts a beginning-of-text in front puts a second one there.",
)
def special_tokens_twice(script: Context) -> Iterator[Found]:
    """A templated text, or one that begins with `<s>`, through a tokenizer that adds its own."""
    for event in script.events:
        if event.name != f"transformers.PreTrainedTokenizerBase.{event.short}" or event.short not in (
            "__call__",
            "encode",
        ):
            continue
        given = event.given("text", 0)
        if given is None or event.given("add_special_tokens") is not None or event.unpacks:
            continue
        templated = any(_templated(option) for option in options(given.value))
        texts = [text_of(one) or "" for one in prompts_of(given.value)]
        written = next((found for text in texts if (found := _WRITTEN.match(text))), None)
        puts = puts_bos_in_front(_base_of(event))
        if (templated or written) and puts is not False:
            adds = "the tokenizer adds its own" if puts else "the tokenizer adds its own where it has any"
            yield Found(
                event.node,
                f"the chat template has already written the special tokens, and {adds}"
                if templated
                else f"the text begins with {_said(written)}, and {adds}",
                "say `add_special_tokens=False`, or let `apply_chat_template` tokenize",
                add_argument(script.tree, event.node, "add_special_tokens=False"),
                severity=None if puts else "note",
            )


_WRITTEN = re.compile(rf"<s>|<\|begin_of_text\|>|<bos>|{OWN_BEGINNING}")


def _said(written: re.Match[str] | None) -> str:
    found = written.group() if written is not None else ""
    return "the tokenizer's own `bos_token`" if found == OWN_BEGINNING else found


def _base_of(event: Event) -> str | None:
    """The base whose tokenizer is called."""
    return next((one.base for one in options(event.receiver or Value()) if isinstance(one, Tokenizer)), None)


def _templated(value: Value) -> bool:
    if isinstance(value, Templated):
        return True
    inner = [*getattr(value, "items", [])] if not isinstance(value, Batch) else []
    rest = getattr(value, "rest", None)
    return any(isinstance(one, Templated) for one in [*inner, rest] if isinstance(one, Value))


@rule(
    "training-mode",
    "warning",
    "the model generates in training mode",
    "Dropout, where the base or the adapter has any, stays on: the same question gets other answers from run to run.",
)
def training_mode(script: Context) -> Iterator[Found]:
    """`train()` before `generate` with no `eval()` in between, or training by a Trainer."""
    seen: set[int] = set()
    for event in script.generations:
        model = model_of(event)
        if model is None or constant(event.facts.get("training", Value())) is not True or id(model.body) in seen:
            continue
        seen.add(id(model.body))
        since = model.body.train_event
        edits: tuple[Edit, ...] = ()
        func = event.node.func
        if event.statement is not None and isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name):
            edits = line_before(script.tree, event.statement, f"{func.value.value}.eval()")
        where = f" since {script.where(since.node)}" if since is not None and since.order < event.order else ""
        yield Found(
            event.node,
            f"the model has been in training mode{where}: dropout, where there is any, is on while it answers",
            "call `model.eval()` before", edits,
        )  # fmt: skip


@rule(
    "gradients-on",
    "note",
    "a model is evaluated with gradients on",
    "Every activation is kept for a backward pass that never comes, which takes memory and time.",
)
def gradients_on(script: Context) -> Iterator[Found]:
    """A forward pass after `eval()`, outside `torch.no_grad()`: in a loop, or where nothing is propagated back."""
    propagates = script.trains or any(script.calls("torch.autograd.grad", "backward", "requires_grad_"))
    for event in script.calls("__call__", "forward"):
        model = model_of(event)
        if model is None or event.contexts & {"no_grad", "inference_mode"} or event.name.endswith("Tokenizer.__call__"):
            continue
        if constant(event.facts.get("training", Value())) is not False:
            continue
        if not event.loop and (propagates or (event.function and not event.callers)):
            continue  # who calls the function may have turned them off
        evaluated = constant(event.facts.get("evaluated", Value())) is True
        if not evaluated or _propagated(script, event):
            continue
        if any(one.short in ("set_grad_enabled",) for one in script.events):
            continue
        yield Found(
            event.node,
            f"the model runs {'in a loop ' if event.loop else ''}with gradients on, after `eval()`",
            "put it under `with torch.no_grad():`",
            inside(script.tree, event.statement, event.node, "with torch.no_grad():") if _has_torch(script) else (),
        )


def _propagated(script: Context, event: Event) -> bool:
    """Whether a backward pass may follow a forward one: later in its function, or in its loop."""
    loop = script.tree.loop_of(event.node)
    return any(
        one.short == "backward"
        and one.function == event.function
        and (one.order > event.order or script.tree.loop_of(one.node) == loop)
        for one in script.events
    )


def _has_torch(script: Context) -> bool:
    found = script.flow.scope.find("torch")
    return isinstance(found, Named) and found.name == "torch"
