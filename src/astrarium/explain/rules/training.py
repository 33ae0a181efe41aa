"""Rules on tuning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from astrarium.explain.bases import family_of_base
from astrarium.explain.context import Context, model_of, number, settings_of
from astrarium.explain.events import Event
from astrarium.explain.index.library import library
from astrarium.explain.libraries import METHOD_OF_CONFIG
from astrarium.explain.mending import Edit, replace
from astrarium.explain.rules.asking import right_side
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import (
    PROMPT_METHODS,
    Either,
    Model,
    Settings,
    Table,
    Trainer,
    Value,
    constant,
    one_model,
    options,
    strings,
    text_of,
)

LOW_FOR_ADAPTERS = 2e-5
HIGH_FOR_ALL = 2e-4
_PREFERENCE = ("DPO", "GRPO", "ORPO", "KTO", "PPO", "Reward", "CPO", "RLOO", "Online")


@rule(
    "target-modules-missing",
    "error",
    "`target_modules` names layers that the base does not have",
    "peft stops where none is found; where some are, the others are passed over without a word.",
)
def target_modules_missing(script: Context) -> Iterator[Found]:
    """Names held against the installed transformers' source of the base's architecture."""
    transformers = library("transformers")
    if transformers is None:
        return
    for event, config, base in _adapted(script):
        family = family_of_base(base)
        known = set(transformers.linears.get(family or "", ()))
        given = config.given.get("target_modules")
        if not known or given is None or config.event is None or isinstance(given, Either):
            continue
        asked = [name for name in strings(given) if re.fullmatch(r"[\w.]+", name) and name != "all-linear"]
        missing = [name for name in asked if name.rsplit(".", 1)[-1] not in known]
        if not missing:
            continue
        usual = [
            name
            for name in (
                "q_proj",
                "k_proj",
                "v_proj",
                "o_proj",
                "query_key_value",
                "c_attn",
                "c_proj",
                "qkv_proj",
                "Wqkv",
                "gate_proj",
                "up_proj",
                "down_proj",
                "c_fc",
                "fc1",
                "fc2",
                "q",
                "v",
                "query",
                "value",
            )
            if name in known
        ]
        node = config.event.given("target_modules")
        edits: tuple[Edit, ...] = ()
        if len(missing) == len(asked) and node is not None and isinstance(node.node.value, cst.List):
            edits = replace(script.tree, node.node.value, _modules(usual, script.code(node.node.value)))
        found = ", ".join(f"`{name}`" for name in missing)
        yield Found(
            node.node if node is not None else event.node,
            f"{base!r} is a `{family}` model, which has no layer {found}"
            + ("" if len(missing) == len(asked) else "; peft passes over it"),
            f"its layers are called {', '.join(f'`{name}`' for name in usual)}",
            edits,
            severity=None if len(missing) == len(asked) else "warning",
        )


def _modules(names: Sequence[str], before: str) -> str:
    attention = [
        name
        for name in names
        if name in ("q_proj", "v_proj", "query_key_value", "c_attn", "qkv_proj", "Wqkv", "q", "v", "query", "value")
    ]
    quote = "'" if "'" in before else '"'
    return "[" + ", ".join(f"{quote}{name}{quote}" for name in attention or names[:2]) + "]"


def _adapted(script: Context) -> Iterator[tuple[Event, Settings, str]]:
    """Where an adapter's configuration meets its base: call, configuration, base."""
    for event in script.events:
        asked = Value()
        model: Model | None = None
        if event.name == "peft.get_peft_model":
            asked = event.value("peft_config", 1)
            model = next((one for one in options(event.value("model", 0)) if isinstance(one, Model)), None)
        elif event.short == "add_adapter":
            model = model_of(event)
            places = (("peft_config", 0), ("adapter_config", 0), ("", 1))
            asked = next((one for place in places if settings_of(one := event.value(*place)) is not None), asked)
        trainer = next((one for one in options(event.result) if isinstance(one, Trainer) and one.event is event), None)
        base: str | None = None
        if trainer is not None:
            asked = trainer.given.get("peft_config", Value())
            given = trainer.given.get("model", Value())
            model = next((one for one in options(given) if isinstance(one, Model)), None)
            base = text_of(given)
        if model is not None:
            base = model.body.base
        if base is None or "\0" in base:
            continue
        for one in options(asked):
            if isinstance(one, Settings) and one.name in METHOD_OF_CONFIG:
                yield event, one, base


@rule(
    "embeddings-not-saved",
    "warning",
    "tokens are added, and their embeddings are not tuned with the adapter",
    "Training an adapter leaves the rows of new tokens as they were made, unless its configuration names them.",
)
def embeddings_not_saved(script: Context) -> Iterator[Found]:
    """New tokens or trained embeddings without `modules_to_save` or `trainable_token_indices`."""
    kept = ("modules_to_save", "trainable_token_indices")
    for _, config, base in _any_adapted(script):
        targets = strings(config.given.get("target_modules", Value()))
        embedded = any(re.search(r"embed|wte|lm_head", name) for name in targets)
        if any(key in config.given and constant(config.given[key]) is not False for key in kept) or embedded:
            continue
        if config.event is None or config.event.unpacks:
            continue
        if config.name in ("PromptTuningConfig", "PromptEncoderConfig", "PrefixTuningConfig"):
            continue
        resized = [one for one in script.calls("resize_token_embeddings") if _adds_tokens(script)]
        thawed = [
            store
            for store in script.stores("requires_grad")
            if "embed" in right_side(script, store.node) and constant(store.value) is True
        ]
        if not resized and not thawed:
            continue
        node = resized[0].node if resized else thawed[0].node
        yield Found(
            node,
            f"the embeddings change here, and the `{config.name}` of {script.where(config.event.node)} leaves them out",
            f"add `modules_to_save={_embedding_names(base)}`, or `trainable_token_indices`, to the configuration",
        )
        break
    for event in script.calls("save_pretrained"):
        if event.constant("save_embedding_layers") is False and _adds_tokens(script):
            yield Found(
                event.node, "the embeddings are left out of what is saved", "leave `save_embedding_layers` at `auto`"
            )


def _embedding_names(base: str | None) -> str:
    """What a base calls its embeddings and its output head; Llama's names where that is not known."""
    transformers = library("transformers")
    known = transformers.linears.get(family_of_base(base) or "", ()) if transformers is not None else ()
    found = [name for name in ("embed_tokens", "wte", "word_embeddings", "embed_in", "shared") if name in known][:1]
    found += [name for name in ("lm_head", "embed_out") if name in known][:1]
    listed = ", ".join(f'"{name}"' for name in found or ("embed_tokens", "lm_head"))
    return f"[{listed}]"


def _any_adapted(script: Context) -> Iterator[tuple[Event, Settings, str | None]]:
    for event in script.events:
        config = settings_of(event.value("peft_config", 1)) if event.short == "get_peft_model" else None
        for option in options(event.result):
            if isinstance(option, Trainer) and option.event is event:
                config = settings_of(option.given.get("peft_config", Value()))
        model = one_model(event.value("model", 0))
        if config is not None and config.name in METHOD_OF_CONFIG:
            yield event, config, model.body.base if model is not None else None


def _adds_tokens(script: Context) -> bool:
    for event in script.calls("add_tokens", "add_special_tokens"):
        given = event.value("special_tokens_dict", 0)
        if isinstance(given, Table) and not any(_is_new(key, value) for key, value in given.items.items()):
            continue
        if event.short == "add_special_tokens" and type(given) is Value:
            continue  # a parameter of a function: which tokens is not known
        return True
    return False


def _is_new(key: object, value: Value) -> bool:
    """Whether a special token is one that the base may not know: nobody reads or writes padding."""
    if key == "additional_special_tokens":
        return True
    return key != "pad_token" and text_of(value) not in (None, "<s>", "</s>", "<unk>", "<|endoftext|>")


def _rates(script: Context) -> Iterator[tuple[cst.CSTNode, float, Value | None]]:
    """Where a learning rate is said: its node, the rate, and the trainer or None."""
    for trainer in script.trainers:
        arguments = settings_of(trainer.given.get("args", Value()))
        rate = number(arguments.given.get("learning_rate", Value())) if arguments is not None else None
        given = (
            arguments.event.given("learning_rate") if arguments is not None and arguments.event is not None else None
        )
        if rate is not None and given is not None:
            yield given.node, rate, trainer
    for event in script.events:
        if event.short in ("AdamW", "Adam", "SGD", "AdamW8bit", "PagedAdamW8bit") and event.given("lr") is not None:
            rate, given = number(event.value("lr")), event.given("lr")
            if rate is not None and given is not None and event.short != "SGD":
                yield given.node, rate, None


def _tuned(script: Context, trainer: Value | None) -> str | None:
    """What is tuned: `adapter`, `all`, or None where it is not known."""
    if isinstance(trainer, Trainer):
        if settings_of(trainer.given.get("peft_config", Value())) is not None:
            return "adapter"
        model = next((one for one in options(trainer.given.get("model", Value())) if isinstance(one, Model)), None)
        if model is None:
            text = text_of(trainer.given.get("model", Value()))
            return "all" if text is not None and "peft" not in script.flow.modules else None
        if model.body.wrapped:
            return "adapter"
        return None if model.body.scratch or model.body.guessed or "peft_config" in trainer.given else "all"
    models = [model for model in script.models if not model.body.guessed]
    if any(model.body.wrapped for model in models):
        return "adapter"
    return "all" if models and not any(model.body.scratch for model in models) else None


@rule(
    "learning-rate",
    "warning",
    "a learning rate of full tuning for an adapter, or the reverse",
    "Published recipes tune adapters at 1e-4 to 1e-3, and whole models at about a tenth of that.",
)
def learning_rate(script: Context) -> Iterator[Found]:
    """A rate said in so many words, held against what is tuned."""
    if any(trainer.name.startswith(_PREFERENCE) for trainer in script.trainers):
        return
    frozen = any("requires_grad" in store.path and constant(store.value) is False for store in script.flow.stores)
    for node, rate, trainer in _rates(script):
        tuned = _tuned(script, trainer)
        if tuned == "adapter" and 0 < rate <= LOW_FOR_ADAPTERS and not _whole_weights(script):
            yield Found(
                node, f"a learning rate of {rate:g} for an adapter is one for full tuning",
                "try 1e-4 to 3e-4 for LoRA, more for IA3 and prompts", _rate_edit(script, node, _usual_rate(script)),
            )  # fmt: skip
        elif tuned == "all" and rate >= HIGH_FOR_ALL and not frozen:
            kinds = {model.body.auto_class for model in script.models}
            if (
                any("Seq2Seq" in kind or "T5" in kind or "Conditional" in kind for kind in kinds)
                or "adafactor" in script.text.lower()
            ):
                continue
            yield Found(
                node, f"a learning rate of {rate:g} for all weights is one for an adapter",
                "try 1e-5 to 5e-5 for full tuning, or tune an adapter", _rate_edit(script, node, "2e-5"),
            )  # fmt: skip


def _usual_rate(script: Context) -> str:
    """A rate for LoRA and its kin; ten times as much for scaling vectors and prompts, which are few and small."""
    kinds = {METHOD_OF_CONFIG.get(config.name) for _, config, _ in _any_adapted(script)}
    return "3e-3" if kinds and kinds <= {"IA3", *PROMPT_METHODS} else "2e-4"


def _whole_weights(script: Context) -> bool:
    """Whether a method is used that tunes the base's own matrices, as full tuning does."""
    return any(event.name.startswith("peft.") and event.short == "OSFConfig" for event in script.events)


def _rate_edit(script: Context, node: cst.CSTNode, rate: str) -> tuple[Edit, ...]:
    if isinstance(node, cst.Arg | cst.DictElement) and isinstance(node.value, cst.Float | cst.Integer):
        return replace(script.tree, node.value, rate)
    return ()


@rule(
    "checkpointing-cache",
    "warning",
    "gradient checkpointing with `use_cache=True`",
    "The two exclude each other: in training the cache is turned off again, with a warning at every start.",
)
def checkpointing_cache(script: Context) -> Iterator[Found]:
    """`use_cache=True` said in so many words while gradient checkpointing is on."""
    on = any(
        event.short in ("gradient_checkpointing_enable", "activation_checkpointing_enable")
        or any(event.constant(name) is True for name in ("gradient_checkpointing", "activation_checkpointing"))
        for event in script.events
    )
    if not on or not script.trains:
        return
    first_train = min((event.order for event in script.events if event.short in ("train", "backward")), default=0)
    for store in script.stores("use_cache"):
        if constant(store.value) is True and store.order < first_train:
            for node in _value_nodes(script, store.node):
                yield Found(store.node, *_CACHED, replace(script.tree, node, "False"))
                break
            else:
                yield Found(store.node, *_CACHED)
    for event in script.events:
        given = event.given("use_cache")
        if (
            given is not None
            and constant(given.value) is True
            and event.short in ("from_pretrained", "__call__", "TrainingArguments", "SFTConfig")
        ):
            yield Found(given.node, *_CACHED, replace(script.tree, given.node.value, "False"))


_CACHED = ("the cache is asked for, and gradient checkpointing is on", "say `use_cache=False` while training")


def _value_nodes(script: Context, target: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for node in script.tree.every(cst.Assign):
        if any(one.target is target for one in node.targets):
            yield node.value
