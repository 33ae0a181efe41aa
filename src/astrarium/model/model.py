"""`load(...)` and the `Model` it returns: a base, its adapters, and three ways to ask."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import AdapterError, EngineError, TextError
from astrarium.engine.sampling import Sampling
from astrarium.model.made_for import check_made_for
from astrarium.sources import open_adapter, open_base
from astrarium.text import choose_template, encode_prompt, fim_prompt, fim_tokens

if TYPE_CHECKING:
    from astrarium.engine.engine import Engine
    from astrarium.engine.request import Ticket
    from astrarium.model.runner import Runner
    from astrarium.text.templates import Template

Place = str | os.PathLike[str]
"""A folder, a file, or a hub id."""
_MOST_THREADS = 1024
"""More than any machine has; the system gives out no end of them, and a process without them dies."""
_ENGINE_OPTIONS = ("cache_tokens", "adapter_bytes", "most_rows")

Turns = Sequence[Mapping[str, str]]
"""A conversation: `{"role": "user" | "assistant" | "system", "content": …}`, the last one from the user."""


def load(
    base: Place = "default",
    adapters: Mapping[str, Place] | Place | None = None,
    *,
    format: str = "auto",
    adapter_format: str = "fp32",
    device: str = "cpu",
    revision: str | None = None,
    threads: int | None = None,
    any_base: bool = False,
    **options: Any,
) -> Model:
    """Load a base model and any adapters for it.

    Args:
        base: `default`, a folder, a `.gguf` file, or a hub id.
        adapters: name → where (a folder, a run's folder, or a hub id); or one place, which is then called `adapter`.
        format: how the weights are held: `fp32`, `bf16`, `int8`, `int4`, `gguf` (the blocks of a GGUF file as they
            are), or `auto`, which `Model.format` tells. In `int8`, `int4` and `gguf` the compiled kernels round what
            layers read to 8 bits, and in all but `fp32` keys and values are kept in bf16.
        adapter_format: how adapters are held: `fp32` or `bf16`.
        device: where weights, cache and adapters go: `cpu`, `cuda`, `cuda:1`, …
        revision: a branch, tag or commit of the hub, for the base.
        threads: how many the whole process computes with from now on; None for torch's own number.
        any_base: whether adapters may be put on the base that name another one.
        **options: of the engine: `cache_tokens` (positions that all requests together may hold; eight whole contexts,
            or what fits), `adapter_bytes` (that adapters in memory may take; 512 MiB), `most_rows` (requests that run
            at a time; 64).

    What the user should know of how it was loaded is in `Model.notes`.

    Raises:
        SourceError: the base or an adapter cannot be found or read.
        AdapterError: an adapter does not fit the base, or was made for another one.
        EngineError: an unknown weight format, weights that are not finite, or too little memory.
    """
    unknown = sorted(set(options) - set(_ENGINE_OPTIONS))
    if unknown:
        known = ("format", "adapter_format", "device", "revision", "threads", "any_base", *_ENGINE_OPTIONS)
        raise TypeError(f"unknown options {', '.join(unknown)}; known are {', '.join(known)}")
    if not isinstance(adapters, str | os.PathLike | Mapping | None):
        raise AdapterError(
            f"adapters is a {type(adapters).__name__}; expected names and places, {{'mine': 'runs/mine'}}"
        )
    named = {"adapter": adapters} if isinstance(adapters, str | os.PathLike) else dict(adapters or {})
    model = Model(_runner(os.fspath(base), format, adapter_format, device, revision, threads, options))
    for name, where in named.items():
        model.add_adapter(name, where, any_base=any_base)
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

        if not isinstance(threads, int) or not 1 <= threads <= _MOST_THREADS:
            raise EngineError(f"threads is {threads!r}; expected 1 to {_MOST_THREADS}")
        torch.set_num_threads(threads)
    source = open_base(name, revision=revision)
    reason = why_not(source.config)
    if not reason:
        return EngineRunner(source, weight_format, adapter_format, device, **options)
    from astrarium.model.transformers_runner import TransformersRunner

    if adapter_format != "fp32":
        options = {"adapter_format": adapter_format, **options}
    return TransformersRunner(name, weight_format, device, revision, reason, options)


class Model:
    """A base model with adapters. An answer uses the adapter it names, or else the only one there is.

    `notes` holds what the user should know of how it was loaded.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.source, self.tokenizer, self.context = runner.source, runner.tokenizer, runner.context
        self.notes = list(runner.notes)

    def __repr__(self) -> str:
        return f"<Model {self.source.name} in {self.format}, adapters: {', '.join(self.adapters) or 'none'}>"

    @property
    def format(self) -> str:
        """How the weights are held."""
        return self._runner.format

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of the loaded adapters."""
        return tuple(self._runner.adapters)

    @property
    def engine(self) -> Engine:
        """The engine under it: `step`, `cancel`, `busy`, requests by token ids, logits.

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

    def add_adapter(self, name: str, where: Place, *, any_base: bool = False) -> None:
        """Load one more adapter, also while answers are being written.

        Args:
            name: what it is called from now on.
            where: a folder, a run's folder, or a hub id.
            any_base: whether it may name another base than this one.

        Raises:
            SourceError: it cannot be found or read.
            AdapterError: it does not fit the base, was made for another one, or the name is taken.
        """
        if not name or not isinstance(name, str):
            raise AdapterError(f"the name of an adapter is {name!r}; expected some text")
        if not isinstance(where, str | os.PathLike):
            raise AdapterError(f"adapter {name!r} is at {where!r}; expected a folder or a hub id")
        adapter = open_adapter(os.fspath(where))
        notes = check_made_for(adapter, self.source, any_base=any_base)
        self.notes += notes + self._runner.add(name, adapter)

    def drop_adapter(self, name: str) -> None:
        """Let go of an adapter.

        Raises:
            AdapterError: no adapter of that name, or one that is in use.
        """
        self._runner.drop(name)

    def ask(self, question: str | Turns, **options: Any) -> str:
        """The whole answer to a question, as text. Takes the options of `stream`; see `answers` for more than text."""
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
        """The answer to a question, in pieces as they are written. Several may be read at once, from threads.

        Args:
            question: a text, or a conversation whose last turn is the user's.
            adapter: the name of a loaded adapter; None for the base alone; by default the only adapter, if there is
                one and no more.
            template: `astraios`, `chat` or `plain`; by default the adapter's own, then Astraios's for its adapters, the
                tokenizer's chat template, or plain.
            sampling: how to choose tokens and when to stop.
            **options: fields of `Sampling`, such as `max_new_tokens=64`.

        Raises:
            TextError: an empty question, an unknown template, an option out of its range, log-probabilities (see
                `answers`); on the first piece, a prompt that leaves no room for an answer.
            AdapterError: no adapter of that name.
        """
        prompt, name = self._prompt(question, adapter, template)
        return self._runner.stream(prompt, name, _for_text(sampling, options))

    def answers(
        self,
        questions: Sequence[str | Turns],
        *,
        adapter: str | Sequence[str | None] | None = "",
        template: str | None = None,
        sampling: Sampling | Sequence[Sampling] | None = None,
        **options: Any,
    ) -> list[Ticket]:
        """The answers to many questions, written together; each is what it would be alone.

        Args:
            questions: texts or conversations.
            adapter: as in `stream`, for all of them or one for each.
            template: as in `stream`.
            sampling: as in `stream`, for all of them or one for each.
            **options: fields of `Sampling`, for all of them.

        Returns:
            For each question its `text`, `tokens`, `logprobs`, the `reason` why it is over, and an `error` where it
            failed alone.

        Raises:
            TextError, AdapterError, EngineError: one of them cannot be begun; then none is.
        """
        if isinstance(questions, str):
            raise TextError("questions is one text; expected a list of them, or use ask")
        names = _each(adapter, len(questions), "adapter")
        choices = _each(sampling, len(questions), "sampling")
        requests = []
        for question, name, choice in zip(questions, names, choices, strict=True):
            prompt, found = self._prompt(question, name, template)
            requests.append((prompt, found, _chosen(choice, options)))
        return self._runner.answers(requests)

    def submit(
        self,
        question: str | Turns,
        *,
        adapter: str | None = "",
        template: str | None = None,
        sampling: Sampling | None = None,
        **options: Any,
    ) -> Ticket:
        """Hand a question to the engine without waiting; each `engine.step()` then writes a token of every request.

        Takes the options of `stream`, log-probabilities too. `engine.cancel(ticket)` ends it with what it has.

        Raises:
            TextError, AdapterError: see `stream`; a prompt that leaves no room for an answer.
            EngineError: transformers runs this base, or the request needs more cache than there is.
        """
        engine = self.engine
        prompt, name = self._prompt(question, adapter, template)
        return engine.submit(prompt, sampling=_chosen(sampling, options), adapter=name)

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
            TextError: the base has no fill-in-the-middle tokens and `prefix_only` is not set, or see `stream`.
            AdapterError: see `stream`.
        """
        chosen = _for_text(sampling, options)
        return self.completion(prefix, suffix, prefix_only=prefix_only, adapter=adapter, sampling=chosen).text

    def completion(
        self,
        prefix: str,
        suffix: str = "",
        *,
        prefix_only: bool = False,
        adapter: str | None = "",
        sampling: Sampling | None = None,
        **options: Any,
    ) -> Ticket:
        """As `complete`, with more than the text: see `answers`. An error of the request is raised."""
        prompt = self.tokenizer.encode(prefix) if prefix_only else self._fim_prompt(prefix, suffix)
        [ticket] = self._runner.answers([(prompt, self._adapter_of(adapter), _chosen(sampling, options))])
        if ticket.error is not None:
            raise ticket.error
        return ticket

    def template(self, *, adapter: str | None = "", template: str | None = None) -> str:
        """The name of the template that a question is put into; the options are those of `stream`.

        Raises:
            TextError: an unknown template, or one that the tokenizer has not.
            AdapterError: no adapter of that name.
        """
        return self._template(self._adapter_of(adapter), template).name

    def _prompt(self, question: str | Turns, adapter: str | None, template: str | None) -> tuple[list[int], str | None]:
        """A question's tokens, and the name of the adapter that answers it."""
        name = self._adapter_of(adapter)
        chosen = self._template(name, template)
        return encode_prompt(chosen, _turns(question)), name

    def _template(self, adapter: str | None, wanted: str | None) -> Template:
        if adapter is None:
            return choose_template(wanted, {}, None, self.tokenizer)
        source = self._runner.adapter(adapter)
        return choose_template(wanted, source.metadata, source.name, self.tokenizer)

    def _fim_prompt(self, prefix: str, suffix: str) -> list[int]:
        marks = fim_tokens(self.tokenizer)
        if marks is None:
            raise TextError(
                f"base {self.source.name} has no fill-in-the-middle tokens; "
                "name a base that has (StarCoder's do), or continue from the prefix alone (prefix_only, --prefix-only)"
            )
        return fim_prompt(prefix, suffix, self.tokenizer, marks)

    def _adapter_of(self, adapter: str | None) -> str | None:
        if adapter != "":
            return adapter
        if len(self.adapters) > 1:
            raise AdapterError(
                f"several adapters are loaded; name one of: {', '.join(self.adapters)}, or None for the base"
            )
        return self.adapters[0] if self.adapters else None


def _chosen(sampling: Sampling | None, options: dict[str, Any]) -> Sampling:
    chosen = sampling or Sampling()
    if not options:
        return chosen
    unknown = sorted(set(options) - set(Sampling.__slots__))
    if unknown:
        raise TypeError(f"unknown options {', '.join(unknown)}; known are {', '.join(Sampling.__slots__)}")
    return replace(chosen, **options)


def _for_text(sampling: Sampling | None, options: dict[str, Any]) -> Sampling:
    """The same, where text alone comes back.

    Raises:
        TextError: more than that is wanted.
    """
    chosen = _chosen(sampling, options)
    if chosen.logprobs is not None:
        raise TextError("logprobs are not part of a text; Model.answers([question], logprobs=…) gives them")
    return chosen


def _each(value: Any, count: int, what: str) -> list[Any]:
    """One value for each of so many requests."""
    if value is None or isinstance(value, str | Sampling):
        return [value] * count
    if len(value) != count:
        raise TextError(f"{what} has {len(value)} entries; expected one for each of the {count} questions")
    return list(value)


def _turns(question: str | Turns) -> list[Mapping[str, str]]:
    """A question as a conversation."""
    if isinstance(question, str):
        return [{"role": "user", "content": question}]
    turns: Any = question
    if not isinstance(turns, Sequence) or not all(isinstance(turn, Mapping) for turn in turns):
        raise TextError(
            f"the question is {str(question)[:40]!r}; expected a text, or a conversation of "
            "{'role': …, 'content': …}; several questions go to answers"
        )
    return list(turns)
