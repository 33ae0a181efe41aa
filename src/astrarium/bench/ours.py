"""Our side of every bench, in one file: the worker that loads a model through `astrarium.load` and drives its engine.

Everything goes through `Engine.submit` and `Engine.step`; a token's time is the moment its step returns.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from astrarium.bench.worker import Round, serve
from astrarium.core.memory import process_bytes

_BEFORE, _ALONE_TOKENS = 8, 64
"""Tokens of each row before gaps count, and while they count where nothing joins."""
_SHORT = 8
"""Tokens of a prompt where only the start of the answer matters."""


def prepare(work: dict[str, Any]) -> tuple[str, Round]:
    """Load the model, and give the round of the kind that is asked for."""
    kind = work["kind"]
    if kind == "first_token":  # the start is what is measured: nothing is loaded before the round
        return "", lambda: _first_token(load(work), work)
    if kind == "explain":  # no model takes part
        from astrarium.bench.scripts import score

        return "", lambda: score(Path(work["folder"]))
    if kind not in _KINDS:
        raise ValueError(f"kind of work {kind!r} is not known; known are first_token, explain, {', '.join(_KINDS)}")
    model = load(work)
    return str(model.engine.format), lambda: _KINDS[kind](model, work)


def load(work: Mapping[str, Any]) -> Any:
    """The model of the work."""
    import astrarium

    loader: Any = astrarium.load
    return loader(
        work["base"],
        adapters=work.get("adapters", {}),
        format=work.get("format", "auto"),
        threads=work["threads"],
    )


def submit(model: Any, prompt: Sequence[int], new: int, adapter: str | None = None) -> Any:
    """A request whose tokens are forced: greedy, and no early stop."""
    from astrarium.engine import Sampling  # type: ignore[import-not-found, import-untyped, unused-ignore]

    return model.engine.submit(list(prompt), sampling=Sampling(max_new_tokens=new, min_new_tokens=new), adapter=adapter)


class Timeline:
    """Steps the engine and keeps when each request's tokens came."""

    def __init__(self, model: Any) -> None:
        self._engine = model.engine
        self.tokens: list[tuple[float, Any]] = []
        """(seconds of the clock, the request's id), in order."""

    def step(self) -> None:
        """One step."""
        events = self._engine.step()
        now = time.perf_counter()
        self.tokens += [(now, event.ticket.id) for event in events if event.token is not None]

    def until(self, over: Callable[[], bool]) -> None:
        """Step until `over`.

        Raises:
            RuntimeError: the engine has nothing left to do before that.
        """
        while not over():
            if not self._engine.busy:
                raise RuntimeError("the engine is idle, and requests are not finished")
            self.step()

    def run(self) -> None:
        """Step until nothing is left to do."""
        while self._engine.busy:
            self.step()

    def of(self, ticket: Any) -> list[float]:
        """When one request's tokens came."""
        return [when for when, owner in self.tokens if owner == ticket.id]


def _decode(model: Any, work: Mapping[str, Any]) -> dict[str, float]:
    names = work.get("rows", [None] * len(work["prompts"]))
    return _rate(model, work["prompts"], work["new"], names)


def _rate(model: Any, prompts: Sequence[Sequence[int]], new: int, names: Sequence[str | None]) -> dict[str, float]:
    line = Timeline(model)
    tickets = [submit(model, prompt, new, name) for prompt, name in zip(prompts, names, strict=True)]
    line.run()
    times = [line.of(ticket) for ticket in tickets]
    for ticket, seen in zip(tickets, times, strict=True):
        if len(seen) != new or len(ticket.tokens) != new:
            raise RuntimeError(f"a request wrote {len(ticket.tokens)} tokens in {len(seen)} events; expected {new}")
    # Rows may begin at different steps: the clock starts when the last of them has its first token, and what came
    # before does not count.
    start, end = max(seen[0] for seen in times), max(seen[-1] for seen in times)
    counted = sum(when > start for seen in times for when in seen)
    steps = sorted({when for seen in times for when in seen if when >= start})
    gaps = [later - earlier for earlier, later in pairwise(steps)]
    return {"tokens_per_s": counted / (end - start), "step_s": median(gaps)}


def _mixed(model: Any, work: Mapping[str, Any]) -> dict[str, float]:
    """The same rows with an adapter each, and with none."""
    mixed = _decode(model, work)
    plain = _rate(model, work["prompts"], work["new"], [None] * len(work["prompts"]))
    return {**mixed, "base_step_s": plain["step_s"], "adapter_bytes": float(model.engine.memory()["adapters"])}


def _prefill(model: Any, work: Mapping[str, Any]) -> dict[str, float]:
    return {"prefill_s": _to_first_token(model, _unread(work["tokens"], work["ids"]))}


def _unread(count: int, ids: Sequence[int]) -> list[int]:
    """A prompt that no round before has left in the cache; `ids` are the least of them, and the first above."""
    drawn = random.Random(time.time_ns())
    return [drawn.randrange(*ids) for _ in range(count)]


def _first_token(model: Any, work: Mapping[str, Any]) -> dict[str, float | str]:
    """The time is taken from outside, from the start of the process. What is known of the base is passed on."""
    _to_first_token(model, work["prompts"][0])
    return {"format": str(model.engine.format), **work.get("known", {})}


def _to_first_token(model: Any, prompt: Sequence[int], adapter: str | None = None) -> float:
    start = time.perf_counter()
    line = Timeline(model)
    ticket = submit(model, prompt, 1, adapter)
    line.until(lambda: bool(ticket.tokens))
    seconds = time.perf_counter() - start
    line.run()
    return seconds


def _long(model: Any, work: Mapping[str, Any]) -> dict[str, float]:
    """A token's time far into the context, and near its beginning."""
    return {key: _token_time(model, work[key], work["steps"]) for key in ("near", "far")}


def _token_time(model: Any, prompt: Sequence[int], steps: int) -> float:
    line = Timeline(model)
    ticket = submit(model, prompt, steps + 1)
    line.run()
    times = line.of(ticket)
    return median(later - earlier for earlier, later in pairwise(times))


def _stall(model: Any, work: Mapping[str, Any]) -> dict[str, float]:
    """The gaps between the tokens of decoding rows, alone and while a long prompt joins."""
    alone = _gaps(model, work, joining=None)
    return {"alone_s": alone, "joined_s": _gaps(model, work, joining=_unread(work["joining"], work["ids"]))}


def _gaps(model: Any, work: Mapping[str, Any], joining: Sequence[int] | None) -> float:
    """The 95th percentile of the gaps, of those that overlap the prefill where a prompt joins."""
    line = Timeline(model)
    # Rows long enough to decode still when the prompt has been read, however small its pieces are; then cancelled.
    tickets = [submit(model, prompt, work["new"]) for prompt in work["prompts"]]
    line.until(lambda: all(len(ticket.tokens) >= _BEFORE for ticket in tickets))
    begun = time.perf_counter()
    if joining is None:
        line.until(lambda: all(len(ticket.tokens) >= _BEFORE + _ALONE_TOKENS for ticket in tickets))
    else:
        joined = submit(model, joining, 1)
        line.until(lambda: bool(joined.tokens))
        if joined.shared_tokens:
            raise RuntimeError(
                f"{joined.shared_tokens} tokens of the joining prompt lay in the cache: nothing was read"
            )
    ended = time.perf_counter()
    if any(ticket.finished for ticket in tickets):
        raise RuntimeError("rows were finished before the prompt was read: they cannot tell how long it stalls them")
    for ticket in tickets:
        model.engine.cancel(ticket)
    line.run()
    gaps: list[float] = []
    for ticket in tickets:
        gaps += [later - earlier for earlier, later in pairwise(line.of(ticket)) if begun < later <= ended]
    return quantiles(gaps, n=20)[-1]


def _prefix(model: Any, work: Mapping[str, Any]) -> dict[str, float]:
    """Two requests that begin alike. Each round has a beginning of its own, or the first would find it too."""
    common = _unread(work["common"], work["ids"])
    first, second = ([*common, *_unread(_SHORT, work["ids"])] for _ in range(2))
    return {"first_s": _to_first_token(model, first), "second_s": _to_first_token(model, second)}


def _bank(model: Any, work: Mapping[str, Any]) -> dict[str, float]:
    """Requests to many adapters in random order; then one to the adapter that was used longest ago."""
    prompt = work["prompts"][0][:_SHORT]
    # A plain request first: what it allocates once is the base's. It also tells what of the reload is only decoding.
    plain = min(_to_first_token(model, prompt) for _ in range(3))
    alone = _ALONE.setdefault("bytes", process_bytes("VmRSS"))  # as it was before the first adapter was read
    for name, place in work["bank"].items():
        if name not in model.adapters:
            model.add_adapter(name, place)
    order = list(work["bank"])
    random.Random(time.time_ns()).shuffle(order)
    start = time.perf_counter()
    for name in order:
        _to_first_token(model, prompt, name)
    seconds = time.perf_counter() - start
    return {
        "above_bytes": process_bytes("VmRSS") - alone,
        "reload_s": _to_first_token(model, prompt, order[0]),
        "plain_s": plain,
        "requests_per_s": len(order) / seconds,
    }


_ALONE: dict[str, float] = {}


def _quality(model: Any, work: Mapping[str, Any]) -> dict[str, float]:
    """The mean negative log-likelihood a token, over texts given as ids, and in each of them."""
    import torch

    total, count, each = 0.0, 0, {}
    for number, ids in enumerate(work["texts"]):
        logits = model.engine.logits(ids).float()  # [T, vocabulary]
        chosen = torch.log_softmax(logits[:-1], -1).gather(1, torch.tensor(ids[1:])[:, None])
        each[f"nll_{number}"] = -float(chosen.mean())
        total, count = total - float(chosen.sum()), count + len(ids) - 1
    return {"nll": total / count, **each}


_KINDS: dict[str, Callable[[Any, Mapping[str, Any]], dict[str, float]]] = {
    "decode": _decode,
    "mixed": _mixed,
    "prefill": _prefill,
    "long": _long,
    "stall": _stall,
    "prefix": _prefix,
    "bank": _bank,
    "quality": _quality,
}

if __name__ == "__main__":
    serve(prepare)
