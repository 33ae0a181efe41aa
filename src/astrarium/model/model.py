"""`load(...)` and the `Model` it returns: a base, its adapters, and three ways to ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from astrarium.core.errors import AdapterError, TextError
from astrarium.families import family_of
from astrarium.model.adapters import Wardrobe
from astrarium.model.base import Base, load_base
from astrarium.model.generate import stream
from astrarium.model.sampling import Sampling
from astrarium.text import choose_template, encode_prompt, fim_prompt

Turns = Sequence[Mapping[str, str]]
"""A conversation: `{"role": "user" | "assistant" | "system", "content": …}`, the last one from the user."""


def load(
    base: str = "default",
    adapters: Mapping[str, str] | str | None = None,
    *,
    dtype: str | None = None,
    device: str = "cpu",
    revision: str | None = None,
) -> Model:
    """Load a base model and any adapters for it.

    Args:
        base: `default`, a folder, a `.gguf` file, or a hub id.
        adapters: name → where (a folder, a run's folder, or a hub id); or one place, which is then called `adapter`.
        dtype: `fp32`, `bf16` or `fp16`; None takes the base's own.
        device: where the weights go.
        revision: a branch, tag or commit of the hub, for the base.

    Raises:
        SourceError: the base or an adapter cannot be found or read.
        AdapterError: an adapter does not fit the base.
    """
    model = Model(load_base(base, dtype=dtype, device=device, revision=revision))
    for name, where in ({"adapter": adapters} if isinstance(adapters, str) else dict(adapters or {})).items():
        model.add_adapter(name, where)
    return model


class Model:
    """A base model with adapters. An answer uses the adapter it names, or else the only one there is.

    `notes` holds what the user should know of how it was loaded.
    """

    def __init__(self, base: Base) -> None:
        self.base = base
        self.notes = list(base.notes)
        self._wardrobe = Wardrobe(base, {})

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of the loaded adapters."""
        return tuple(self._wardrobe.sources)

    def add_adapter(self, name: str, where: str) -> None:
        """Load one more adapter.

        Raises:
            SourceError: it cannot be found or read.
            AdapterError: it does not fit the base, or the name is taken.
        """
        self.notes += self._wardrobe.add(name, where)

    def ask(self, question: str | Turns, **options: Any) -> str:
        """The whole answer to a question. Takes the options of `stream`."""
        return "".join(self.stream(question, **options))

    def stream(
        self,
        question: str | Turns,
        *,
        adapter: str | None = "",
        template: str | None = None,
        sampling: Sampling | None = None,
        **options: Any,
    ) -> Iterator[str]:
        """The answer to a question, in pieces as they are written.

        Args:
            question: a text, or a conversation whose last turn is the user's.
            adapter: the name of a loaded adapter; None for the base alone; by default the only adapter, if there is
                one and no more.
            template: `astraios`, `chat` or `plain`; by default the adapter's own, and so on down DESIGN's order.
            sampling: how to choose tokens and when to stop.
            **options: fields of `Sampling`, such as `max_new_tokens=64`.

        Raises:
            TextError: an empty question, an unknown template, or a prompt that leaves no room for an answer.
            AdapterError: no adapter of that name.
        """
        name = self._adapter_of(adapter)
        source = None if name is None else self._wardrobe.sources.get(name)
        chosen = choose_template(
            template,
            {} if source is None else source.metadata,
            None if source is None else source.name,
            self.base.tokenizer,
        )
        turns = [{"role": "user", "content": question}] if isinstance(question, str) else [dict(t) for t in question]
        prompt = encode_prompt(chosen, turns)
        yield from self._write(prompt, name, sampling, options)

    def complete(
        self,
        prefix: str,
        suffix: str = "",
        *,
        prefix_only: bool = False,
        adapter: str | None = "",
        sampling: Sampling | None = None,
        **options: Any,
    ) -> str:
        """Fill in the text between a prefix and a suffix.

        Args:
            prefix: what stands before the gap.
            suffix: what stands after it.
            prefix_only: continue from the prefix alone, for a base without fill-in-the-middle tokens; the suffix is
                not looked at then.
            adapter: as in `stream`.
            sampling: as in `stream`.
            **options: fields of `Sampling`.

        Raises:
            TextError: the base has no fill-in-the-middle tokens and `prefix_only` is not set.
        """
        prompt = self.base.tokenizer.encode(prefix) if prefix_only else self._fim_prompt(prefix, suffix)
        return "".join(self._write(prompt, self._adapter_of(adapter), sampling, options))

    def _fim_prompt(self, prefix: str, suffix: str) -> list[int]:
        tokenizer = self.base.tokenizer
        for tokens in family_of(self.base.source.config).fim:
            if all(tokenizer.id_of(mark) is not None for mark in (tokens.prefix, tokens.suffix, tokens.middle)):
                return fim_prompt(prefix, suffix, tokenizer, tokens)
        raise TextError(
            f"base {self.base.source.name} has no fill-in-the-middle tokens; "
            "name a base that has (StarCoder's do), or continue from the prefix alone (prefix_only, --prefix-only)"
        )

    def _adapter_of(self, adapter: str | None) -> str | None:
        if adapter != "":
            return adapter
        if len(self.adapters) > 1:
            raise AdapterError(f"several adapters are loaded; name one of: {', '.join(self.adapters)}")
        return self.adapters[0] if self.adapters else None

    def _write(
        self, prompt: list[int], adapter: str | None, sampling: Sampling | None, options: dict[str, Any]
    ) -> Iterator[str]:
        chosen = sampling or Sampling()
        if options:
            unknown = sorted(set(options) - set(Sampling.__slots__))
            if unknown:
                raise TypeError(f"unknown options {', '.join(unknown)}; known are {', '.join(Sampling.__slots__)}")
            chosen = replace(chosen, **options)
        worn = self._wardrobe.wear(adapter)
        yield from stream(worn, self.base.tokenizer, prompt, chosen, self.base.context)
