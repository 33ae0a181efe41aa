"""Prompt templates: how a conversation becomes model input, and a row becomes something to train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import TextError

if TYPE_CHECKING:
    from astrarium.sources.tokenizer import Tokenizer

TEMPLATES = ("astraios", "chat", "plain")
"""The names of the templates."""
_ASTRAIOS_HUB = "bigcode/astraios-"

Turn = Mapping[str, str]
"""One turn of a conversation: `{"role": "system" | "user" | "assistant", "content": …}`."""


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt template.

    `astraios` writes `Question: …\\n\\nAnswer:`; `chat` is the tokenizer's own; `plain` is the question as it stands.
    """

    name: str
    tokenizer: Tokenizer

    @property
    def writes_special_tokens(self) -> bool:
        """Whether the text holds its special tokens itself, so that the tokenizer must not add them again."""
        return self.name == "chat"

    def prompt(self, turns: Sequence[Turn]) -> str:
        """A conversation as the text to answer.

        Args:
            turns: the last one from the user.

        Raises:
            TextError: no turns, an empty question, or a last turn that is not the user's.
        """
        _check_turns(turns)
        if self.name == "chat":
            return self.tokenizer.apply_chat_template(turns)
        if self.name == "astraios":
            return "".join(_astraios_turn(turn) for turn in turns) + "Answer:"
        return "\n\n".join(turn["content"] for turn in turns)

    def training(self, prompt: str, completion: str) -> tuple[str, str]:
        """A row as the prompt that inference will see, and the answer that follows it.

        Returns:
            The two texts; joined, they are what is trained on, before the end token.
        """
        return self.training_turns([{"role": "user", "content": prompt}], completion)

    def training_turns(self, turns: Sequence[Turn], completion: str) -> tuple[str, str]:
        """As `training`, of a conversation up to its last question and the answer to that."""
        question = self.prompt(turns)
        # The space belongs to the answer: a prompt that ended in one would be cut into other tokens.
        return question, f" {completion}" if self.name == "astraios" else completion


def template_named(name: str, tokenizer: Tokenizer) -> Template:
    """A template by its name.

    Raises:
        TextError: no such template, or `chat` for a tokenizer without one.
    """
    if name not in TEMPLATES:
        raise TextError(f"template {name!r} is not known; known are {', '.join(TEMPLATES)}")
    if name == "chat" and not tokenizer.chat_template:
        raise TextError("template 'chat' was asked for, and the tokenizer has no chat template; take astraios or plain")
    return Template(name, tokenizer)


def choose_template(
    wanted: str | None, metadata: Mapping[str, Any], adapter: str | None, tokenizer: Tokenizer
) -> Template:
    """The template for a question, in this order: the one asked for, the adapter's own, Astraios's for its adapters,
    the tokenizer's chat template, plain.

    Args:
        wanted: a name, or None.
        metadata: the adapter's `astrarium.json`; its `template` is the adapter's own.
        adapter: the name the adapter was opened by, or None.
        tokenizer: the base's.

    Raises:
        TextError: see `template_named`.
    """
    if wanted is not None:
        return template_named(wanted, tokenizer)
    own = metadata.get("template")
    if isinstance(own, str):
        return template_named(own, tokenizer)
    if adapter is not None and adapter.startswith(_ASTRAIOS_HUB):
        return template_named("astraios", tokenizer)
    return template_named("chat" if tokenizer.chat_template else "plain", tokenizer)


def encode_prompt(template: Template, turns: Sequence[Turn]) -> list[int]:
    """A conversation as token ids.

    Raises:
        TextError: see `Template.prompt`.
    """
    text = template.prompt(turns)
    return template.tokenizer.encode(text, add_special_tokens=not template.writes_special_tokens)


def _astraios_turn(turn: Turn) -> str:
    if turn["role"] == "assistant":
        return f"Answer: {turn['content']}\n\n"
    if turn["role"] == "system":
        return f"{turn['content']}\n\n"
    return f"Question: {turn['content']}\n\n"


def _check_turns(turns: Sequence[Turn]) -> None:
    if not turns:
        raise TextError("there is no question; give some text")
    for turn in turns:
        if turn.get("role") not in ("system", "user", "assistant"):
            raise TextError(f"a turn has role {turn.get('role')!r}; expected system, user or assistant")
    if turns[-1]["role"] != "user":
        raise TextError(f"the last turn is the {turns[-1]['role']}'s; expected the user's")
    if not turns[-1]["content"].strip():
        raise TextError("the question is empty; give some text")
