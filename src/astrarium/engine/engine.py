"""The engine: many requests in one batch, joining and leaving at any step, each with an adapter of its own or none."""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from astrarium.core.errors import AdapterError, AstrariumError, EngineError, TextError
from astrarium.engine.adapters.bank import DEFAULT_LIMIT, Bank, Reader
from astrarium.engine.adapters.parts import Adapter
from astrarium.engine.cache import PAGE, Cache, chains, pages_for
from astrarium.engine.choosing import choose, likeliest_of, logprob
from astrarium.engine.families.network import Network
from astrarium.engine.prompts import WHOLE_CHUNK, Prompts, together
from astrarium.engine.reading import Reading
from astrarium.engine.request import Event, Reason, Running, Ticket, whole_ids
from astrarium.engine.sampling import Sampling
from astrarium.engine.step import Segment, Step, Worn
from astrarium.engine.weights import Weights
from astrarium.families import family_of
from astrarium.text.feed import Feed

Decode = Callable[[Sequence[int]], str]

_COME_TO_REST = 0.1  # seconds in which a thread that has left a step comes to the next, and waits
_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


@atexit.register
def _stand_still() -> None:
    """At the interpreter's end no thread may be inside a step: it could not come back, and would abort the process."""
    for engine in list(_engines):
        engine._lock.acquire()
        if engine.busy:
            time.sleep(_COME_TO_REST)


def _anew() -> None:
    """In a forked process no thread holds a lock, whoever held it when the process was forked."""
    for engine in list(_engines):
        engine._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anew)


class Engine:
    """Runs a network. `submit` takes a request, `step` does one forward pass for all of them.

    It may be called from several threads; a step is one at a time.
    """

    def __init__(
        self,
        network: Network,
        weights: Weights,
        *,
        ends: Collection[int] = (),
        decode: Decode | None = None,
        cache_tokens: int | None = None,
        adapter_bytes: int = DEFAULT_LIMIT,
        most_rows: int = 64,
    ) -> None:
        """Make an engine.

        Args:
            network: the forward pass.
            weights: what it is built over.
            ends: ids that end an answer.
            decode: ids → text; without it stop texts are refused.
            cache_tokens: positions that all requests together may hold; None for eight whole contexts.
            adapter_bytes: what adapters in memory may take; the least recently used are let go.
            most_rows: requests that run at a time; the rest wait.

        Raises:
            EngineError: an option out of its range.
        """
        self.network, self.weights = network, weights
        self.format = weights.held
        config = network.config
        family = family_of(config)
        self.context, self.vocabulary = family.context(config), family.linears(config)[-1].outputs
        shape = network.cache_shape(torch.float32 if self.format == "fp32" else torch.bfloat16)
        tokens = 8 * self.context if cache_tokens is None else cache_tokens
        for what, value in (("cache_tokens", tokens), ("most_rows", most_rows)):
            if not isinstance(value, int) or value < 1:
                raise EngineError(f"{what} is {value!r}; expected a whole number from 1")
        self.cache = Cache(shape, pages_for(tokens), network.device)
        self.bank = Bank(adapter_bytes, network.forget_layouts)
        self._ends = frozenset(end for end in ends if isinstance(end, int) and 0 <= end < self.vocabulary)
        self._decode, self._most_rows = decode, most_rows
        self._waiting: deque[Running] = deque()
        self._running: list[Running] = []
        self._prompts = Prompts(network, self.cache)
        self._events: list[Event] = []  # that no step has given back yet: one that is interrupted gives none
        self._numbers = itertools.count()
        self._lock = threading.RLock()
        _engines.add(self)

    def add_adapter(self, name: str, reader: Reader) -> Adapter:
        """Add an adapter; requests can name it from now on. Others are served while it is read. See `Bank.add`."""
        with self._lock:
            self.bank.check_new(name)
        adapter = reader()
        with self._lock:
            return self.bank.add(name, reader, adapter)

    def drop_adapter(self, name: str) -> None:
        """Take an adapter out. See `Bank.drop`."""
        with self._lock:
            self.bank.drop(name)

    @property
    def busy(self) -> bool:
        """Whether any request is running or waiting, or has something to tell."""
        return bool(self._running or self._waiting or self._events)

    def memory(self) -> dict[str, int]:
        """Bytes that are held: `weights`, `adapters`, `cache` (so far); `cache_most`, and `cache_token` for a token."""
        page = self.cache.shape.page_bytes
        return {
            "weights": self.weights.nbytes,
            "adapters": self.bank.nbytes,
            "cache": self.cache.nbytes,
            "cache_most": self.cache.pages * page,
            "cache_token": page // PAGE,
        }

    def submit(self, ids: Sequence[int], *, sampling: Sampling | None = None, adapter: str | None = None) -> Ticket:
        """Take a request.

        Args:
            ids: the prompt.
            sampling: how to choose, and when to stop.
            adapter: the name of an adapter in the bank.

        Raises:
            TextError: an empty prompt, an id that is no token, or a prompt that leaves no room for an answer.
            AdapterError: no adapter of that name.
            EngineError: more cache than there is.
        """
        options = sampling or Sampling()
        with self._lock:
            ids, virtual = whole_ids(ids), 0 if adapter is None else self.bank.virtual_tokens(adapter)
            most = min(options.max_new_tokens, self._room(ids, virtual))
            if options.stop and self._decode is None:
                raise EngineError("this engine has no tokenizer, and stop texts need one; leave them out")
            pages = pages_for(virtual + len(ids) + most)
            if pages > self.cache.pages:
                raise EngineError(
                    f"the request needs {pages * PAGE} positions of the cache, which has {self.cache.pages * PAGE}; "
                    "give it fewer new tokens or a shorter prompt, or the engine a larger cache (cache_tokens)"
                )
            request = Running(
                Ticket(next(self._numbers), len(ids), adapter),
                options,
                [*range(-1, -virtual - 1, -1), *ids],
                virtual + len(ids),
                most,
                None if options.time_limit is None else time.monotonic() + options.time_limit,
                torch.Generator().manual_seed(options.seed) if options.temperature > 0 else None,
                None if self._decode is None else Feed(self._decode, options.stop),
                self.bank.seed(adapter),
            )
            self._waiting.append(request)
            return request.ticket

    def cancel(self, ticket: Ticket) -> None:
        """End a request with what it has; nothing happens where it is over already."""
        with self._lock:
            for request in [*self._waiting, *self._running]:
                if request.ticket is ticket:
                    self._end(request, "cancelled")

    def step(self) -> list[Event]:
        """One forward pass: a token for every request that decodes, and a piece of the prompts that are being read."""
        with self._lock:
            self._events += self._overdue()
            self._admit()
            decoding = [request for request in self._running if request.decoding]
            if decoding:
                self._continue(decoding)
            self._read(len(decoding))
            events, self._events = self._events, []
            return events

    def logits(self, ids: Sequence[int], *, adapter: str | None = None) -> Tensor:
        """The logits after every token of a text, fp32 `[tokens, vocabulary]`; virtual tokens have none.

        Raises:
            TextError, AdapterError, EngineError: see `submit`.
        """
        with self._lock:
            ids, virtual = whole_ids(ids), 0 if adapter is None else self.bank.virtual_tokens(adapter)
            self._room(ids, virtual, new=0)
            worn = None if adapter is None else self.bank.take(adapter)
            pages: list[int] = []
            try:
                pages = self.cache.take(pages_for(virtual + len(ids)))
                every = [*range(-1, -virtual - 1, -1), *ids]
                start = self._place_past(worn, pages, 0)
                found = []
                while start < len(every):
                    piece = tuple(every[start : start + WHOLE_CHUNK])
                    segment = Segment(piece, start, pages, worn, wanted=len(piece))
                    reading = Reading(self.network, self.cache, [segment])
                    while reading.left:
                        reading.advance()
                    found.append(reading.logits())
                    start += len(piece)
                logits = torch.cat(found)[-len(ids) :]
                if not torch.isfinite(logits).all():
                    self.cache.spoil(pages)
                return logits
            finally:
                self.cache.give_back(pages)
                if adapter is not None:
                    self.bank.give_back(adapter)

    def _room(self, ids: Sequence[int], virtual: int, new: int = 1) -> int:
        """How many new tokens the context leaves."""
        if not len(ids):
            raise TextError("the prompt has no tokens; give some text")
        low, high = min(ids), max(ids)
        if low < 0 or high >= self.vocabulary:
            raise TextError(
                f"token id {low if low < 0 else high} is not in the vocabulary; ids are 0 to {self.vocabulary - 1}"
            )
        room = self.context - virtual - len(ids)
        if room < new:
            raise TextError(
                f"the prompt has {len(ids) + virtual} tokens; the model's context is {self.context}, so that nothing "
                "is left for an answer; shorten it"
            )
        return room

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self._most_rows:
            request = self._waiting[0]
            name = request.ticket.adapter
            known = self._shared(request)
            needed = pages_for(request.prompt_end + request.most) - len(known)
            if needed > self.cache.available:
                self.cache.give_back(known)
                return
            self._waiting.popleft()
            request.pages = known + self.cache.take(needed)
            request.done = request.ticket.shared_tokens = len(known) * PAGE
            request.remembered = len(known)
            try:
                if name is not None:
                    if request.seed != self.bank.seed(name):
                        raise AdapterError(f"adapter {name!r} was replaced while the request waited; ask again")
                    request.worn = self.bank.take(name)
                request.done = self._place_past(request.worn, request.pages, request.done)
            except Exception as error:  # this request fails alone
                self._events.append(self._fail(request, error))
                continue
            self._running.append(request)

    def _shared(self, request: Running) -> list[int]:
        """Pages of others that begin as this request does. Its last token is always run, for its logits."""
        return self.cache.shared(chains(tuple(request.ids[: request.prompt_end - 1]), request.seed))

    def _place_past(self, worn: Worn | None, pages: list[int], done: int) -> int:
        """Write the keys and values that an adapter puts before the prompt; the positions that are done then."""
        if worn is None or worn.adapter.past is None:
            return done
        past = worn.adapter.past
        virtual = past.shape[2]
        if done < virtual:
            for layer in range(len(past)):
                self.cache.put(layer, pages, done, past[layer, 0, done:], past[layer, 1, done:])
        return max(done, virtual)

    def _continue(self, decoding: list[Running]) -> None:
        """A token of each request that decodes."""
        began = time.perf_counter()
        chosen = together([(r, Segment((r.ids[-1],), len(r.ids) - 1, r.pages, r.worn)) for r in decoding])
        try:
            step = Step([segment for _, segment in chosen], self.network.device)
            logits = self.network(step, self.cache).cpu()  # tokens are chosen there, by the same streams on any device
        except Exception as error:
            if len(decoding) == 1:
                self._broken(decoding[0], error)
            else:
                for request in decoding:  # whose error it is shows when each goes alone
                    self._continue([request])
            return
        likeliest = likeliest_of(logits)
        for row, (request, segment) in enumerate(chosen):
            self._write(request, segment, logits[row], likeliest[row])
        self._prompts.pace.decoded(len(decoding), time.perf_counter() - began)

    def _read(self, beside: int) -> None:
        """Some of the prompts, beside so many requests that decode; of those that are read, the first token."""
        for read in self._prompts.advance(self._running, beside):
            if read.error is not None:
                self._broken(read.request, read.error)
                continue
            first = 0 if read.logits is None else likeliest_of(read.logits.unsqueeze(0))[0]
            self._write(read.request, read.segment, read.logits, first if read.finite else None)

    def _remember(self, request: Running) -> None:
        # What was written has other last bits than if it were read: no later prompt may find it in its place.
        full = (min(request.done, request.prompt_end) if self.network.reads_apart else request.done) // PAGE
        if full > request.remembered and (request.decoding or full * PAGE <= request.prompt_end):
            found = chains(tuple(request.ids[: full * PAGE]), request.seed)
            for page in range(request.remembered, full):
                self.cache.remember(request.pages[page], found[page])
            request.remembered = full

    def _write(self, request: Running, segment: Segment, logits: Tensor | None, first: int | None) -> None:
        """A piece of a request has been run: it is kept, and where there are logits its next token is chosen.

        Args:
            request: whose.
            segment: the piece.
            logits: after its last token.
            first: the likeliest token, or None where numbers are not finite.
        """
        try:
            if first is None:
                raise EngineError(
                    "the model's logits are not finite (NaN or infinite); a weight or an adapter is broken"
                )
            request.done = segment.position + len(segment.ids)
            self._remember(request)
            if logits is not None:
                self._events.append(self._take(request, choose(request, logits, first, self._ends), logits))
        except Exception as error:  # this request fails alone
            self._broken(request, error)

    def _broken(self, request: Running, error: Exception) -> None:
        """A request fails, and what it has written may be broken."""
        self.cache.spoil(request.pages)
        self._events.append(self._fail(request, error))

    def _take(self, request: Running, token: int, logits: Tensor) -> Event:
        ticket, options = request.ticket, request.sampling
        if token in self._ends:
            return self._end(request, "end")
        ticket.tokens.append(token)
        request.ids.append(token)
        if options.logprobs is not None:
            ticket.logprobs.append(logprob(token, logits, options.logprobs))
        text = "" if request.feed is None else request.feed.take(token)
        ticket.text += text
        if request.feed is not None and request.feed.stopped:
            self._end(request, "stop")
        elif len(ticket.tokens) >= request.most:
            text += self._end(request, "length").text
        return Event(ticket, token, text)

    def _overdue(self) -> list[Event]:
        now = time.monotonic()
        late = [r for r in [*self._waiting, *self._running] if r.deadline is not None and now >= r.deadline]
        return [self._end(request, "time") for request in late]

    def _fail(self, request: Running, error: Exception) -> Event:
        """The end of one request by an error; what astrarium did not raise on purpose is told as the engine's."""
        if not isinstance(error, AstrariumError):
            request.feed = None  # which may be what failed
            error = EngineError(f"the request failed: {type(error).__name__}: {error}")
        request.ticket.error = error
        return self._end(request, "error")

    def _end(self, request: Running, reason: Reason) -> Event:
        ticket = request.ticket
        text = "" if request.feed is None else request.feed.finish()
        ticket.text += text
        if request in self._running:
            self._running.remove(request)
        elif request in self._waiting:
            self._waiting.remove(request)
        self._prompts.leave(request)
        self.cache.give_back(request.pages)
        request.pages = []
        if request.worn is not None and ticket.adapter is not None:
            self.bank.give_back(ticket.adapter)
            request.worn = None
        ticket.reason = reason  # the last: another thread that sees it finds all the text
        return Event(ticket, None, text)
