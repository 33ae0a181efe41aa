"""What the calls of transformers, peft and their kin do to the values that flow through a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from astrarium.explain.command_lines import parser_of
from astrarium.explain.index.library import library
from astrarium.explain.methods import loose
from astrarium.explain.places import device_of
from astrarium.explain.values import (
    UNKNOWN,
    Adapter,
    Body,
    Const,
    Device,
    Downloaded,
    Either,
    Items,
    Model,
    Named,
    Settings,
    Tensor,
    Tokenizer,
    Trainer,
    Value,
    constant,
    one_model,
    options,
    text_of,
    texts_of,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.events import Event

_MODEL_CLASS = re.compile(r"^(AutoModel\w*|AutoPeftModel\w*|\w+(?:For[A-Z]\w+|LMHeadModel|Model))$")
_TOKENIZER_CLASS = re.compile(r"^\w*Tokenizer(?:Fast)?$")
_TRAINER_CLASS = re.compile(r"^\w*Trainer$")
_DOWNLOADS = re.compile(
    r"^(huggingface_hub\.)?(hf_hub_download|snapshot_download|cached_download)$|^requests\.get$|^httpx\.get$"
    r"|urlretrieve$|urlopen$|^wget\.download$|^gdown\.download$|download_url_to_file$|^transformers\.cached_file$"
)
_TENSOR_MADE = re.compile(
    r"^torch\.(tensor|as_tensor|from_numpy|stack|(ones|zeros)(_like)?|full|LongTensor|FloatTensor)$"
)
METHOD_OF_CONFIG = {
    "LoraConfig": "LORA", "IA3Config": "IA3", "AdaLoraConfig": "ADALORA", "LoHaConfig": "LOHA", "LoKrConfig": "LOKR",
    "PromptTuningConfig": "PROMPT_TUNING", "PromptEncoderConfig": "P_TUNING", "PrefixTuningConfig": "PREFIX_TUNING",
    "MultitaskPromptTuningConfig": "MULTITASK_PROMPT_TUNING", "CPTConfig": "CPT", "VeraConfig": "VERA",
    "OFTConfig": "OFT", "BOFTConfig": "BOFT", "RoadConfig": "ROAD", "BottleneckConfig": "BOTTLENECK",
    "AdaptionPromptConfig": "ADAPTION_PROMPT", "LNTuningConfig": "LN_TUNING", "XLoraConfig": "XLORA",
}  # fmt: skip

_CLASS_FOR_TASK = {
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM", "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification", "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "FEATURE_EXTRACTION": "AutoModel",
}  # fmt: skip


def exported(package: str, name: str) -> bool:
    """Whether `from package import *` may bring a name."""
    found = library(package) if package in ("transformers", "peft") else None
    return found is not None and found.has(name)


# -- calls of names


def call(event: Event) -> Value:
    """What a call of a library's name gives."""
    name, short = event.name, event.short
    owner = name.split(".")[-2] if "." in name else ""
    if name.startswith("peft.") or owner.startswith(("PeftModel", "AutoPeftModel")):
        return _peft(event, owner, short)
    if short in ("from_pretrained", "from_config"):
        return _loaded(event, owner, short)
    if name.startswith("transformers."):
        return _transformers(event, short)
    if name.startswith("trl."):
        if _TRAINER_CLASS.match(short):
            return _trainer(event, short)
        return _settings(event, short) if short.endswith("Config") else UNKNOWN
    if short == "device" and name.startswith("torch"):
        return device_of(event.value("device", 0))
    if _TENSOR_MADE.match(name):
        return Tensor()
    if _DOWNLOADS.search(name):
        if name.endswith("urlretrieve"):
            return Items([Downloaded(event), UNKNOWN])
        return Downloaded(event)
    if name in ("copy.deepcopy", "deepcopy"):
        return _copied(event)
    return loose(event, "")


def _settings(event: Event, short: str) -> Settings:
    given = {one.name: one.value for one in event.arguments if one.name not in (None, "*", "**")}
    first = event.given("", 0)
    if first is not None and short.endswith("TrainingArguments"):
        given.setdefault("output_dir", first.value)
    return Settings(short, given, event)


def _trainer(event: Event, short: str) -> Trainer:
    given = {one.name: one.value for one in event.arguments if one.name not in (None, "*", "**")}
    for position, key in enumerate(("model", "args", "data_collator")):
        found = event.given(key, position)
        if found is not None:
            given.setdefault(key, found.value)
    trainer = Trainer(short, given, event)
    model = one_model(given.get("model", UNKNOWN))
    if model is not None:
        model.uses.append(event)
    return trainer


def _transformers(event: Event, short: str) -> Value:
    if short in ("TrainingArguments", "Seq2SeqTrainingArguments", "GenerationConfig", "BitsAndBytesConfig"):
        return _settings(event, short)
    if _TRAINER_CLASS.match(short):
        return _trainer(event, short)
    if short == "pipeline":
        model = one_model(event.value("model", 1))
        if model is not None:
            model.uses.append(event)
        return _settings(event, "pipeline")
    if short.startswith("DataCollator") or short.endswith("Config"):
        return _settings(event, short)
    if short == "HfArgumentParser":
        return parser_of(event)
    if _MODEL_CLASS.match(short) and event.arguments:
        body = Body(None, event, short, {}, scratch=True)
        return Model(body, event)
    return UNKNOWN


def _loaded(event: Event, owner: str, short: str) -> Value:
    base = text_of(event.value("pretrained_model_name_or_path", 0))
    if _TOKENIZER_CLASS.match(owner):
        tokenizer = Tokenizer(base, event)
        side = event.constant("padding_side")
        tokenizer.side = side if isinstance(side, str) else None
        return tokenizer
    if owner.endswith("Config"):
        return Settings(owner, {"path": event.value("pretrained_model_name_or_path", 0)}, event)
    if owner == "FastLanguageModel":
        return Items(
            [Model(Body(None, event, "AutoModelForCausalLM", {}, prepared=True), event), Tokenizer(base, event)]
        )
    if not _MODEL_CLASS.match(owner):
        return UNKNOWN
    given = {one.name: one.value for one in event.arguments if one.name not in (None, "*", "**")}
    body = Body(base, event, owner, given, scratch=short == "from_config")
    body.quantised = _quantised(event)
    asked = event.value("quantization_config")
    body.perhaps = not all(isinstance(option, Settings) for option in options(asked)) and isinstance(asked, Either)
    if "device_map" in given and constant(given["device_map"]) is not False:
        place = given["device_map"]
        known = constant(place)
        body.mapped = not (isinstance(place, Const) and place.value is None)
        if body.mapped:
            body.moved = True
            body.device = Device("cuda?") if known in ("auto", "balanced", "sequential") else device_of(place)
    elif body.quantised is not None:
        body.moved, body.device = True, Device("cuda?")
    return Model(body, event)


def _quantised(event: Event) -> str | None:
    for option in options(event.value("quantization_config")):
        if isinstance(option, Settings):
            if option.get("load_in_4bit") is True:
                return "4bit"
            if option.get("load_in_8bit") is True:
                return "8bit"
            return "other" if option.name != "BitsAndBytesConfig" else None
    for bits in ("4bit", "8bit"):
        if event.constant(f"load_in_{bits}") is True:
            return bits
    return None


# -- peft


def _peft(event: Event, owner: str, short: str) -> Value:
    if short == "get_peft_model":
        return _wrapped(event, fresh=True)
    if short == "from_pretrained" and owner.startswith("PeftModel"):
        return _wrapped(event, fresh=False)
    if short == "from_pretrained" and owner.startswith("AutoPeftModel"):
        return _auto_peft(event, owner)
    if short in ("prepare_model_for_kbit_training", "prepare_model_for_int8_training", "prepare_model_for_training"):
        model = one_model(event.value("model", 0))
        if model is not None:
            model.body.prepared = True
            model.uses.append(event)
        return event.value("model", 0)
    if short == "from_pretrained":
        return Settings(owner, {"path": event.value("pretrained_model_name_or_path", 0)}, event)
    if short.endswith("Config"):
        return _settings(event, short)
    return UNKNOWN


def _wrapped(event: Event, *, fresh: bool) -> Value:
    given = event.value("model", 0)
    inner = one_model(given)
    config = event.value("peft_config", 1) if fresh else event.value("config")
    settings = next((option for option in options(config) if isinstance(option, Settings)), None)
    path = None if fresh else text_of(event.value("model_id", 1))
    name = event.constant("adapter_name", 2)
    adapter = Adapter(
        name if isinstance(name, str) else "default" if event.given("adapter_name", 2) is None else "?",
        path,
        METHOD_OF_CONFIG.get(settings.name) if settings is not None else None,
        settings,
        event,
        fresh or event.constant("is_trainable", 3) is True,
        fresh,
        () if fresh else texts_of(event.value("model_id", 1)),
    )
    if inner is None:
        body = Body(None, None, _class_for(settings), {}, device=Device(None), moved=True, guessed=True)
        return Model(body, event, [adapter], wrapper=True)
    event.facts["model"] = Items([inner])
    event.facts["wrapped"] = Const(bool(inner.adapters) or inner.wrapper)
    event.facts["quantised"] = Const(inner.body.quantised)
    event.facts["prepared"] = Const(inner.body.prepared)
    inner.uses.append(event)
    inner.body.wrapped.append(adapter)
    model = Model(inner.body, event, [*inner.adapters, adapter], wrapper=True, inner=inner)
    model.active = adapter.name
    if fresh:
        model.body.training = model.body.training
    else:
        model.body.training = event.constant("is_trainable", 3) is True and model.body.training
    return model


def _class_for(settings: Settings | None) -> str:
    """The class of a base that is not known, as far as the adapter's task tells it."""
    task = settings.given.get("task_type", UNKNOWN) if settings is not None else UNKNOWN
    name = task.name.rsplit(".", 1)[-1] if isinstance(task, Named) else str(constant(task))
    return _CLASS_FOR_TASK.get(name, "")


def _auto_peft(event: Event, owner: str) -> Value:
    path = text_of(event.value("pretrained_model_name_or_path", 0))
    loaded = _loaded(event, owner, "from_pretrained")
    if not isinstance(loaded, Model):
        return UNKNOWN
    trainable = event.constant("is_trainable") is True
    paths = texts_of(event.value("pretrained_model_name_or_path", 0))
    adapter = Adapter("default", path, None, None, event, trainable, False, paths)
    loaded.adapters, loaded.wrapper = [adapter], True
    loaded.body.base = None
    loaded.body.wrapped.append(adapter)
    return loaded


def _copied(event: Event) -> Value:
    model = one_model(event.value("x", 0))
    if model is None:
        return event.value("x", 0)
    old = model.body
    body = Body(
        old.base, old.event, old.auto_class, old.given, old.quantised, old.device, old.moved, old.mapped, old.training,
        scratch=old.scratch, guessed=old.guessed,
    )  # fmt: skip
    model.uses.append(event)
    return Model(body, event, list(model.adapters), model.wrapper)
