"""A tokenizer's chat template, rendered the way transformers does: Jinja in a sandbox, since files bring it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Template, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from astrarium.core.errors import TextError


def render(
    template: str,
    turns: Sequence[Mapping[str, Any]],
    special_tokens: Mapping[str, str],
    *,
    add_generation_prompt: bool,
) -> str:
    """A conversation as the template writes it.

    Args:
        template: Jinja.
        turns: `{"role": …, "content": …}`; keys whose value is None are left out.
        special_tokens: role (`bos_token`, …) → piece, by which the template names them.
        add_generation_prompt: whether the text ends where the answer begins.

    Raises:
        TextError: the template is broken, or refuses the conversation.
    """
    messages = [{key: value for key, value in turn.items() if value is not None} for turn in turns]
    try:
        return _compiled(template).render(
            messages=messages,
            tools=None,
            documents=None,
            add_generation_prompt=add_generation_prompt,
            **special_tokens,
        )
    except Exception as error:  # a template can raise whatever Python can
        reason = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
        kind = "refuses the conversation" if isinstance(error, TemplateError) else "cannot be rendered"
        raise TextError(f"the tokenizer's chat template {kind}: {reason}; take astraios or plain") from error


@lru_cache(maxsize=16)
def _compiled(template: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals.update(
        raise_exception=_raise_exception, strftime_now=_strftime_now, dict=_Dict(), namespace=_Namespace
    )
    return environment.from_string(template)


class _Generation(Extension):
    """`{% generation %}` marks what the assistant wrote. Only training masks need it; here it is written as it is."""

    tags = {"generation"}  # noqa: RUF012 - jinja's own annotation

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_written"), [], [], body).set_lineno(line)

    def _written(self, caller: Callable[[], str]) -> str:
        return caller()


class _Dict:
    """`dict` without the type's attributes, through which a template could get out of the sandbox."""

    def __call__(self, *args: Any, **options: Any) -> dict[Any, Any]:
        return dict(*args, **options)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


class _Namespace(Namespace):
    """`namespace` that refuses names of Python's own, for the same reason."""

    def __init__(*args: Any, **options: Any) -> None:
        self, args = args[0], args[1:]
        values = dict(*args, **options)
        for name in values:
            _check_name(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        Namespace.__setitem__(self, name, value)


def _check_name(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a chat template cannot set {name!r} on a namespace")


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    # Jinja's own filter escapes <, > and &, which a prompt must not.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
