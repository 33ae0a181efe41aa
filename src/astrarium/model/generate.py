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
from astrarium.model.sampling import Sampling

if TYPE_CHECKING:
    from astrarium.sources.tokenizer import Tokenizer

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class _Feed(StoppingCriteria):  # type: ignore[misc]
    """Sees each new token: decodes, holds back what may become a stop text, passes the rest on.

    A stop text may begin in one token and end in another, and a character may take several tokens; neither is passed
    on before it is whole.
    """

    def __init__(self, tokenizer: Tokenizer, prompt_length: int, stop: tuple[str, ...]) -> None:
        self.pieces: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        self._tokenizer = tokenizer
        self._start = prompt_length
        self._stop = stop
        self._sent = 0

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        stopped = self.cancelled.is_set() or self._take(input_ids[0, self._start :].tolist(), final=False)
        return torch.full((len(input_ids),), stopped, dtype=torch.bool, device=input_ids.device)

    def finish(self, tokens: list[int]) -> None:
        """Pass on what was held back."""
        if not self.cancelled.is_set():
            self._take(tokens, final=True)

    def _take(self, tokens: list[int], *, final: bool) -> bool:
        text = self._tokenizer.decode(tokens)
        ends = [index for index in (text.find(stop) for stop in self._stop) if index >= 0]
        end = min(ends) if ends else len(text) if final else self._safe_end(text)
        if end > self._sent:
            self.pieces.put(text[self._sent : end])
            self._sent = end
        return bool(ends)

    def _safe_end(self, text: str) -> int:
        """How much of the text no later token can change."""
        end = len(text.rstrip(_REPLACEMENT))
        for stop in self._stop:
            for length in range(min(len(stop) - 1, len(text)), 0, -1):
                if text.endswith(stop[:length]):
                    end = min(end, len(text) - length)
                    break
        return end


def stream(
    model: nn.Module, tokenizer: Tokenizer, prompt: list[int], sampling: Sampling, context: int
) -> Iterator[str]:
    """Write on from a prompt.

    Args:
        model: a causal language model or a peft model around one, in eval mode.
        tokenizer: its tokenizer.
        prompt: token ids.
        sampling: how to choose, and when to stop.
        context: the most tokens the model's positions reach.

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
    feed = _Feed(tokenizer, len(prompt), sampling.stop)
    worker = threading.Thread(target=_generate, args=(model, tokenizer, prompt, sampling, room, feed), daemon=True)
    worker.start()
    try:
        while (piece := feed.pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
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
    feed: _Feed,
) -> None:
    try:
        ids = torch.tensor([prompt], device=next(model.parameters()).device)
        options = sampling.generate_options()
        options["max_new_tokens"] = min(sampling.max_new_tokens, room)
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
        feed.finish(output[0, len(prompt) :].tolist())
        feed.pieces.put(None)
    except BaseException as error:  # handed to the reader, who raises it
        feed.pieces.put(error)


def end_tokens(model: nn.Module, tokenizer: Tokenizer) -> list[int]:
    """The ids that end an answer: the tokenizer's eos, which every tuned row ends in, and the base's own."""
    own = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ids = own if isinstance(own, list) else [own]
    return [i for i in dict.fromkeys([tokenizer.eos_token_id, *ids]) if i is not None]
