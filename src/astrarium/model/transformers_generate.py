"""Text from a model, piece by piece, on transformers' own `generate`."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import StoppingCriteria, StoppingCriteriaList

from astrarium.core.errors import TextError
from astrarium.engine.request import Reason, Ticket
from astrarium.engine.sampling import Sampling
from astrarium.text.feed import Feed

if TYPE_CHECKING:
    from astrarium.sources.tokenizer import Tokenizer


class _Watch(StoppingCriteria):  # type: ignore[misc]
    """Sees each new token, and passes on the text that it makes certain."""

    def __init__(self, tokenizer: Tokenizer, prompt_length: int, stop: tuple[str, ...]) -> None:
        self.pieces: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        self._feed = Feed(tokenizer.decode, stop)
        self._seen = prompt_length

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        if not self.cancelled.is_set():
            self._take(input_ids[0].tolist())
        stopped = self.cancelled.is_set() or self._feed.stopped
        return torch.full((len(input_ids),), stopped, dtype=torch.bool, device=input_ids.device)

    @property
    def stopped(self) -> bool:
        """Whether a stop text has been seen."""
        return self._feed.stopped

    def finish(self, tokens: list[int]) -> None:
        """Pass on what was held back."""
        if not self.cancelled.is_set():
            self._take(tokens)
            self.pieces.put(self._feed.finish())

    def _take(self, tokens: list[int]) -> None:
        for token in tokens[self._seen :]:
            if not self._feed.stopped:
                self.pieces.put(self._feed.take(token))
        self._seen = len(tokens)


def stream(
    model: nn.Module, tokenizer: Tokenizer, prompt: list[int], sampling: Sampling, context: int, ticket: Ticket
) -> Iterator[str]:
    """Write on from a prompt.

    Args:
        model: a causal language model or a peft model around one, in eval mode.
        tokenizer: its tokenizer.
        prompt: token ids.
        sampling: how to choose, and when to stop.
        context: the most tokens the model's positions reach.
        ticket: told the answer's tokens, and why it is over.

    Yields:
        Pieces of text as they are written; joined, they are the answer without special tokens.

    Raises:
        TextError: the prompt is empty or leaves no room for an answer.
    """
    if not prompt:
        raise TextError("the prompt has no tokens; give some text")
    virtual = virtual_tokens(model)
    room = context - len(prompt) - virtual
    if room < 1:
        raise TextError(
            f"the prompt has {len(prompt) + virtual} tokens; the model's context is {context}, so that nothing is left "
            "for an answer; shorten it"
        )
    feed = _Watch(tokenizer, len(prompt), sampling.stop)
    args = (model, tokenizer, prompt, sampling, room, feed, ticket)
    worker = threading.Thread(target=_generate, args=args, daemon=True)
    worker.start()
    try:
        while (piece := feed.pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            if piece:
                yield piece
    finally:
        feed.cancelled.set()
        worker.join()


def virtual_tokens(model: nn.Module) -> int:
    """How many virtual tokens the model's active adapter puts before the prompt."""
    config = getattr(model, "active_peft_config", None)
    return int(getattr(config, "num_virtual_tokens", None) or 0)


def _generate(
    model: nn.Module,
    tokenizer: Tokenizer,
    prompt: list[int],
    sampling: Sampling,
    room: int,
    feed: _Watch,
    ticket: Ticket,
) -> None:
    try:
        ids = torch.tensor([prompt], device=next(model.parameters()).device)
        options = sampling.generate_options()
        most = min(sampling.max_new_tokens, room)
        options["max_new_tokens"] = most
        ends = end_tokens(model, tokenizer)
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(sampling.seed)
            output = model.generate(  # type: ignore[operator]
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                eos_token_id=ends or None,
                pad_token_id=ends[0] if ends else 0,
                stopping_criteria=StoppingCriteriaList([feed]),
                **options,
            )
        feed.finish(output[0].tolist())
        ticket.tokens, ticket.reason = _told(output[0, len(prompt) :].tolist(), ends, feed, most)
        feed.pieces.put(None)
    except BaseException as error:  # handed to the reader, who raises it
        feed.pieces.put(error)


def _told(tokens: list[int], ends: list[int], feed: _Watch, most: int) -> tuple[list[int], Reason]:
    """An answer's tokens without the one that ended it, and why it is over."""
    if feed.cancelled.is_set():
        return tokens, "cancelled"
    if feed.stopped:
        return tokens, "stop"
    if tokens and tokens[-1] in ends:
        return tokens[:-1], "end"
    return tokens, "length" if len(tokens) >= most else "time"


def end_tokens(model: nn.Module, tokenizer: Tokenizer) -> list[int]:
    """The ids that end an answer: the tokenizer's eos, which every tuned row ends in, and the base's own."""
    own = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ids = own if isinstance(own, list) else [own]
    return [i for i in dict.fromkeys([tokenizer.eos_token_id, *ids]) if i is not None]
