"""`load(...)` and the `Model` it returns: a base, its adapters, and three ways to ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import AdapterError, EngineError, TextError
from astrarium.engine.sampling import Sampling
from astrarium.families import family_of
from astrarium.sources import open_adapter, open_base
from astrarium.text import choose_template, encode_prompt, fim_prompt

if TYPE_CHECKING:
    from astrarium.engine.engine import Engine
    from astrarium.model.runner import Runner

Turns = Sequence[Mapping[str, str]]
"""A conversation: `{"role": "user" | "assistant" | "system", "content": …}`, the last one from the user."""


def load(
    base: str = "default",
    adapters: Mapping[str, str] | str | None = None,
    *,
    format: str = "auto",
    adapter_format: str = "fp32",
    device: str = "cpu",
    revision: str | None = None,
    threads: int | None = None,
    **options: Any,
) -> Model:
    """Load a base model and any adapters for it.

    Args:
        base: `default`, a folder, a `.gguf` file, or a hub id.
        adapters: name → where (a folder, a run's folder, or a hub id); or one place, which is then called `adapter`.
        format: how the weights are held: `fp32`, `bf16`, `int8`, `int4`, `gguf` (the blocks of a GGUF file as they
            are), or `auto`.
        adapter_format: how adapters are held: `fp32` or `bf16`.
        device: where weights, cache and adapters go: `cpu`, `cuda`, `cuda:1`, …
        revision: a branch, tag or commit of the hub, for the base.
        threads: how many to compute with; None for torch's own number.
        **options: of `Engine`: `cache_tokens`, `adapter_bytes`, `most_rows`.

    Raises:
        SourceError: the base or an adapter cannot be found or read.
        AdapterError: an adapter does not fit the base.
        EngineError: an unknown weight format, weights that are not finite, or too little memory.
    """
    model = Model(_runner(base, format, adapter_format, device, revision, threads, options))
    for name, where in ({"adapter": adapters} if isinstance(adapters, str) else dict(adapters or {})).items():
        model.add_adapter(name, where)
    return model


def _runner(
    name: str,
    weight_format: str,
    adapter_format: str,
    device: str,
    revision: str | None,
    threads: int | None,
    options: dict[str, Any],
) -> Runner:
    from astrarium.engine.networks import why_not
    from astrarium.model.engine_runner import EngineRunner

    if threads is not None:
        import torch

        if threads < 1:
            raise EngineError(f"threads is {threads}; expected 1 or more")
        torch.set_num_threads(threads)
    source = open_base(name, revision=revision)
    reason = why_not(source.config)
    if not reason:
        return EngineRunner(source, weight_format, adapter_format, device, **options)
    from astrarium.model.transformers_runner import TransformersRunner

    return TransformersRunner(name, weight_format, device, revision, reason)


class Model:
    """A base model with adapters. An answer uses the adapter it names, or else the only one there is.

    `notes` holds what the user should know of how it was loaded.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.source, self.tokenizer, self.context = runner.source, runner.tokenizer, runner.context
        self.notes = list(runner.notes)

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of the loaded adapters."""
        return tuple(self._runner.adapters)

    @property
    def engine(self) -> Engine:
        """The engine under it, for many requests at a time.

        Raises:
            EngineError: transformers runs this base.
        """
        from astrarium.model.engine_runner import EngineRunner

        if not isinstance(self._runner, EngineRunner):
            raise EngineError(f"base {self.source.name} is run by transformers; it has no engine")
        return self._runner.engine

    def memory(self) -> dict[str, int]:
        """Bytes that are held, see `Engine.memory`; empty where transformers runs this base."""
        from astrarium.model.engine_runner import EngineRunner

        return self._runner.engine.memory() if isinstance(self._runner, EngineRunner) else {}

    def add_adapter(self, name: str, where: str) -> None:
        """Load one more adapter.

        Raises:
            SourceError: it cannot be found or read.
            AdapterError: it does not fit the base, or the name is taken.
        """
        self.notes += self._runner.add(name, open_adapter(where))

    def drop_adapter(self, name: str) -> None:
        """Let go of an adapter.

        Raises:
            AdapterError: no adapter of that name, or one that is in use.
        """
        self._runner.drop(name)

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
        source = None if name is None else self._runner.adapter(name)
        chosen = choose_template(
            template,
            {} if source is None else source.metadata,
            None if source is None else source.name,
            self.tokenizer,
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
        prompt = self.tokenizer.encode(prefix) if prefix_only else self._fim_prompt(prefix, suffix)
        return "".join(self._write(prompt, self._adapter_of(adapter), sampling, options))

    def _fim_prompt(self, prefix: str, suffix: str) -> list[int]:
        tokenizer = self.tokenizer
        for tokens in family_of(self.source.config).fim:
            if all(tokenizer.id_of(mark) is not None for mark in (tokens.prefix, tokens.suffix, tokens.middle)):
                return fim_prompt(prefix, suffix, tokenizer, tokens)
        raise TextError(
            f"base {self.source.name} has no fill-in-the-middle tokens; "
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
        yield from self._runner.stream(prompt, adapter, chosen)
