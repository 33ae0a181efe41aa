"""Prompt templates, and which one is taken."""

from __future__ import annotations

import pytest

from astrarium.core.errors import TextError
from astrarium.sources import open_base
from astrarium.text import Template, choose_template, encode_prompt, template_named
from tests.vocabularies import our_tokenizer

QUESTION = [{"role": "user", "content": "Why?"}]
TALK = [*QUESTION, {"role": "assistant", "content": "Because."}, {"role": "user", "content": "And then?"}]
CHAT = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def test_what_each_template_writes() -> None:
    tokenizer = our_tokenizer(chat_template=CHAT)
    assert Template("astraios", tokenizer).prompt(QUESTION) == "Question: Why?\n\nAnswer:"
    assert Template("astraios", tokenizer).prompt(TALK) == (
        "Question: Why?\n\nAnswer: Because.\n\nQuestion: And then?\n\nAnswer:"
    )
    assert Template("chat", tokenizer).prompt(TALK) == "<user>Why?<assistant>Because.<user>And then?<assistant>"
    assert Template("plain", tokenizer).prompt(QUESTION) == "Why?"


def test_a_row_is_trained_as_it_will_be_asked() -> None:
    tokenizer = our_tokenizer(chat_template=CHAT)
    assert Template("astraios", tokenizer).training("Why?", "So.") == ("Question: Why?\n\nAnswer:", " So.")
    assert Template("chat", tokenizer).training("Why?", "So.") == ("<user>Why?<assistant>", "So.")
    assert Template("plain", tokenizer).training("Why?", "So.") == ("Why?", "So.")


@pytest.mark.parametrize(
    ("wanted", "metadata", "adapter", "chat", "expected"),
    [
        ("plain", {"template": "chat"}, "bigcode/astraios-1b-lora", CHAT, "plain"),
        (None, {"template": "plain"}, "bigcode/astraios-1b-lora", CHAT, "plain"),
        (None, {}, "bigcode/astraios-1b-lora", CHAT, "astraios"),
        (None, {}, "somebody/astraios-1b-lora", CHAT, "chat"),
        (None, {}, None, CHAT, "chat"),
        (None, {}, None, None, "plain"),
    ],
)
def test_the_order_of_choice(
    wanted: str | None, metadata: dict[str, str], adapter: str | None, chat: str | None, expected: str
) -> None:
    tokenizer = our_tokenizer(chat_template=chat)
    assert choose_template(wanted, metadata, adapter, tokenizer).name == expected


def test_a_chat_prompt_gets_its_special_tokens_once() -> None:
    tokenizer = open_base("default").tokenizer()
    ids = encode_prompt(template_named("chat", tokenizer), QUESTION)
    assert ids == tokenizer.encode(template_named("chat", tokenizer).prompt(QUESTION), add_special_tokens=False)
    assert ids.count(tokenizer.bos_token_id) == 3  # system, user and assistant each begin with <|im_start|>


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([], "there is no question"),
        ([{"role": "user", "content": " \n"}], "the question is empty"),
        ([{"role": "robot", "content": "x"}], "role 'robot'; expected system, user or assistant"),
        (TALK[:2], "the last turn is the assistant's; expected the user's"),
    ],
)
def test_turns_that_are_no_question(turns: list[dict[str, str]], message: str) -> None:
    with pytest.raises(TextError, match=message):
        Template("plain", our_tokenizer()).prompt(turns)


def test_templates_that_are_not_there() -> None:
    with pytest.raises(TextError, match="template 'alpaca' is not known; known are astraios, chat, plain"):
        template_named("alpaca", our_tokenizer())
    with pytest.raises(TextError, match="the tokenizer has no chat template"):
        template_named("chat", our_tokenizer())
