"""What the reading knows of the values that flow through a script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import libcst as cst


@dataclass(eq=False, slots=True)
class Value:
    """Anything; nothing is known of it."""


UNKNOWN = Value()


@dataclass(eq=False, slots=True)
class Const(Value):
    """A text, number, truth value or None."""

    value: Any
    node: cst.CSTNode | None = None


@dataclass(eq=False, slots=True)
class Text(Value):
    """A text with parts that are not known: `\\0` stands for each."""

    value: str


@dataclass(eq=False, slots=True)
class Items(Value):
    """A list, tuple or set of known length, or `rest` for one of unknown length."""

    items: list[Value]
    rest: Value | None = None


@dataclass(eq=False, slots=True)
class Table(Value):
    """A dict."""

    items: dict[Any, Value]
    complete: bool = True
    nodes: dict[Any, Any] = field(default_factory=dict)
    """Where each item is said: a `cst.DictElement`, the `cst.Arg` of a call, or the `cst.Assign` of the item."""
    batches: list[Value] = field(default_factory=list)
    """What tokenizers gave and was unpacked into it."""
    rest: Value | None = None
    """What stands behind keys that are not known."""

    @property
    def any(self) -> Value:
        """What an item may be whose key is not known: one of the things that are followed, no text or number."""
        found = [*self.items.values(), *([self.rest] if self.rest is not None else [])]
        return either(
            [one for one in found if isinstance(one, Model | Tokenizer | Instance | Function | Class | Items)]
        )


@dataclass(eq=False, slots=True)
class Named(Value):
    """A module, class or function by its dotted name, such as `transformers.AutoTokenizer`."""

    name: str


@dataclass(eq=False, slots=True)
class Either(Value):
    """One of several, by the branch taken."""

    options: tuple[Value, ...]


@dataclass(eq=False, slots=True)
class Function(Value):
    """A function of the script."""

    node: cst.FunctionDef | cst.Lambda
    scope: Any
    receiver: Value | None = None
    called: bool = False
    given: list[tuple[str | None, Value]] = field(default_factory=list)
    """Arguments that a `partial` has been given for it."""
    member: Function | None = None
    """Of a method that is bound to an object: the class's own."""


@dataclass(eq=False, slots=True)
class Class(Value):
    """A class of the script."""

    name: str
    bases: list[Value]
    members: dict[str, Value] = field(default_factory=dict)
    fields: dict[str, Value] = field(default_factory=dict)
    """Names that are annotated in its body, as a dataclass has them: what each is guessed to be."""
    example: Instance | None = None
    """The last object made of it."""


@dataclass(eq=False, slots=True)
class Instance(Value):
    """An object of a class of the script."""

    of: Class
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Parser(Value):
    """A parser of the command line: what each option is by default, and dataclasses that it fills."""

    defaults: dict[str, Value] = field(default_factory=dict)
    classes: list[Class] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Device(Value):
    """A place: `cpu`, `cuda`, or `cuda?` (CUDA where there is one), or a body's own."""

    where: str | None
    body: Body | None = None


@dataclass(eq=False, slots=True)
class Settings(Value):
    """A configuration object: its class and what it was given."""

    name: str
    given: dict[str, Value]
    event: Any = None

    def get(self, key: str) -> Any:
        """A setting's constant; None where it is not given or not known."""
        return constant(self.given.get(key, UNKNOWN))


@dataclass(eq=False, slots=True)
class Adapter:
    """An adapter on a model."""

    name: str
    path: str | None
    method: str | None
    """peft's type, such as `LORA`; None where it is not known."""
    config: Settings | None
    event: Any
    trainable: bool
    fresh: bool
    """Whether it begins untrained (`get_peft_model`) rather than loaded."""
    paths: tuple[str, ...] = ()
    """Every path that it may be loaded from: one, or those that a loop goes over."""


@dataclass(eq=False, slots=True)
class Body:
    """The weights that a base and its wrappers share."""

    base: str | None
    """The base's id or folder."""
    event: Any
    auto_class: str
    given: dict[str, Value]
    quantised: str | None = None
    """`4bit`, `8bit`, or `other`."""
    device: Device = field(default_factory=lambda: Device("cpu"))
    moved: bool = False
    mapped: bool = False
    training: bool | None = False
    train_event: Any = None
    trained: bool = False
    prepared: bool = False
    checkpointing: Any = None
    resized: Any = None
    wrapped: list[Adapter] = field(default_factory=list)
    merged: Any = None
    scratch: bool = False
    """Made from a configuration, with random weights."""
    guessed: bool = False
    """Taken for a model by its name alone."""
    in_place: bool = False
    perhaps: bool = False
    """Whether it is quantised only by a condition of the script."""

    @property
    def causal(self) -> bool | None:
        """Whether it continues a text; None where that is not known."""
        if "CausalLM" in self.auto_class or self.auto_class.endswith("LMHeadModel"):
            return True
        return None if self.auto_class in ("", "AutoModel") else False


@dataclass(eq=False, slots=True)
class Model(Value):
    """A model: a base, or peft's wrapper around one."""

    body: Body
    event: Any
    adapters: list[Adapter] = field(default_factory=list)
    wrapper: bool = False
    inner: Model | None = None
    uses: list[Any] = field(default_factory=list)
    active: str = "default"

    @property
    def prompt_method(self) -> bool:
        """Whether one of its adapters is known to live in the wrapper alone."""
        return any(adapter.method in PROMPT_METHODS for adapter in self.adapters)


@dataclass(eq=False, slots=True)
class Work(Value):
    """A model's own work as a value: `model.generate`, given to a thread or a `partial`."""

    model: Model
    name: str
    given: list[Any] = field(default_factory=list)
    """The arguments that a `partial` has been given for it."""


@dataclass(eq=False, slots=True)
class Tokenizer(Value):
    """A tokenizer."""

    base: str | None
    event: Any
    side: str | None = None
    pad_event: Any = None
    pad_is_eos: bool = False
    added: Any = None
    guessed: bool = False


@dataclass(eq=False, slots=True)
class Batch(Value):
    """What a tokenizer gives: tensors of tokens."""

    event: Any
    tokenizer: Tokenizer | None
    padded: bool
    many: bool
    prompts: list[Value]
    device: Device
    tensors: bool
    part: str = ""
    """`input_ids`, `attention_mask`, `*` for any of them, or empty for the whole."""
    side: str | None = None
    added_device: bool = False


@dataclass(eq=False, slots=True)
class Tensor(Value):
    """A tensor of whose making nothing is known: `batch["labels"]` of a loader's batch, `torch.tensor(…)`."""


@dataclass(eq=False, slots=True)
class File(Value):
    """A file that the script has opened: where, as a text or as it stands in the script."""

    place: str


@dataclass(eq=False, slots=True)
class Output(Value):
    """What `generate` gives."""

    event: Any
    model: Model | None
    whole: bool = True
    """Whether the prompt is still in front."""
    structured: bool = False
    prompt: Value = UNKNOWN


@dataclass(eq=False, slots=True)
class Templated(Value):
    """A text that a chat template has written, with its special tokens."""

    event: Any


@dataclass(eq=False, slots=True)
class Downloaded(Value):
    """A path or a body of bytes from the network."""

    event: Any


@dataclass(eq=False, slots=True)
class Trainer(Value):
    """A trainer of transformers or trl."""

    name: str
    given: dict[str, Value]
    event: Any
    trained: bool = False


PROMPT_METHODS = frozenset(
    {"PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "MULTITASK_PROMPT_TUNING", "CPT", "CARTRIDGE", "ADAPTION_PROMPT?"}
)
"""Methods whose weights live in peft's wrapper: the base itself stays as it was."""


def constant(value: Value) -> Any:
    """The constant that a value is; None where it is none."""
    return value.value if isinstance(value, Const) else None


def text_of(value: Value) -> str | None:
    """A text, with `\\0` for what is not known of it; None where it is no text."""
    if isinstance(value, Const) and isinstance(value.value, str):
        return value.value
    return value.value if isinstance(value, Text) else None


def texts_of(value: Value) -> tuple[str, ...]:
    """Every text that a value may be."""
    return tuple(text for option in options(value) if (text := text_of(option)) is not None)


def options(value: Value) -> tuple[Value, ...]:
    """What a value may be."""
    return value.options if isinstance(value, Either) else (value,)


def either(values: list[Value]) -> Value:
    """One of several values; the value itself where they are the same."""
    found: list[Value] = []
    for value in values:
        for option in options(value):
            same = isinstance(option, Const) and any(
                isinstance(one, Const) and type(one.value) is type(option.value) and one.value == option.value
                for one in found
            )
            if not same and not any(one is option for one in found):
                found.append(option)
    if len(found) == 1:
        return found[0]
    return Either(tuple(found[:8])) if found else UNKNOWN


def strings(value: Value) -> list[str]:
    """The texts of a list of texts, or the text itself."""
    if isinstance(value, Items):
        return [text for item in value.items if (text := text_of(item)) is not None]
    text = text_of(value)
    return [] if text is None else [text]


def one_model(value: Value) -> Model | None:
    """The model that a value is, or may be."""
    return next((option for option in options(value) if isinstance(option, Model)), None)
