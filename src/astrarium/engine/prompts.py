"""The prompts that are being read: which of them next, and how much of them between two decoding steps."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor

from astrarium.engine.cache import Cache
from astrarium.engine.families.network import Network
from astrarium.engine.pace import Pace
from astrarium.engine.reading import Reading
from astrarium.engine.request import Running
from astrarium.engine.step import Segment

WHOLE_CHUNK = 512
"""Tokens that are read at a time where nothing decodes."""

Chosen = list[tuple[Running, Segment]]


@dataclass(frozen=True, slots=True)
class Read:
    """A piece of a prompt that has been read."""

    request: Running
    segment: Segment
    finite: bool
    """Whether its numbers are."""
    logits: Tensor | None
    """After the prompt's last token `[vocabulary]`; None where more of it is to come."""
    error: Exception | None = None
    """Why it could not be read."""


class Prompts:
    """Reads prompts by pieces; a piece passes the network block by block, so that others can decode in between."""

    def __init__(self, network: Network, cache: Cache) -> None:
        self.pace = Pace()
        self.reading: tuple[Chosen, Reading] | None = None
        """The piece that is on its way: of which requests, and how far."""
        self._network, self._cache = network, cache

    def leave(self, request: Running) -> None:
        """A request ends, and its pages go to others: no piece may write to them. The other prompts' is read anew."""
        if self.reading and any(request is other for other, _ in self.reading[0]):
            self.reading = None

    def advance(self, running: Iterable[Running], beside: int) -> list[Read]:
        """A whole piece, or as many blocks of it as do not hold up so many decoding requests.

        Args:
            running: the requests, some of which have a prompt to be read.
            beside: how many of them decode.
        """
        if self.reading is None:
            chosen = _choose(running, self.pace.chunk(beside) if beside else WHOLE_CHUNK)
            if not chosen:
                return []
            self.reading = chosen, Reading(self._network, self._cache, [segment for _, segment in chosen])
        chosen, reading = self.reading
        self.reading = None  # until a block is whole: what an interrupt leaves behind is read anew
        until = time.perf_counter() + (self.pace.budget(beside) if beside else float("inf"))
        while reading.left:
            began = time.perf_counter()
            try:
                reading.advance()
            except Exception:
                return [self._alone(request, segment) for request, segment in chosen]
            now = time.perf_counter()
            self.pace.read(reading.tokens, now - began)
            if now + self.pace.block(reading.tokens) > until:
                break
        if reading.left:
            self.reading = chosen, reading
            return []
        try:
            return _read(chosen, reading)
        except Exception:
            return [self._alone(request, segment) for request, segment in chosen]

    def _alone(self, request: Running, segment: Segment) -> Read:
        """A piece by itself, after an error of the whole: whose error it is shows then."""
        try:
            reading = Reading(self._network, self._cache, [segment])
            while reading.left:
                reading.advance()
            return _read([(request, segment)], reading)[0]
        except Exception as error:
            return Read(request, segment, False, None, error)


def _read(chosen: Chosen, reading: Reading) -> list[Read]:
    """What has come of pieces that have passed all blocks."""
    logits: Iterator[Tensor] = iter(())
    if any(segment.wanted for _, segment in chosen):
        logits = iter(reading.logits())
    return [
        Read(request, segment, finite, next(logits) if segment.wanted else None)
        for (request, segment), finite in zip(chosen, reading.finite(), strict=True)
    ]


def together(chosen: Chosen) -> Chosen:
    """Requests of one adapter stand together: its weights are then read once."""
    return sorted(chosen, key=lambda pair: 0 if pair[0].worn is None else id(pair[0].worn))


def _choose(running: Iterable[Running], most: int) -> Chosen:
    """The prompts' next tokens, at most so many."""
    chosen = []
    for request in running:
        if not request.decoding and most > 0:
            end = min(request.prompt_end, request.done + most)
            piece = tuple(request.ids[request.done : end])
            wanted = int(end == request.prompt_end)
            chosen.append((request, Segment(piece, request.done, request.pages, request.worn, wanted)))
            most -= len(piece)
    return together(chosen)
