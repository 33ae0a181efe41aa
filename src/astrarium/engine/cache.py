"""Keys and values of every layer, in pages of 32 positions that requests own or share.

Pages that are full and no longer change can be shared: a later request with the same beginning, under the same adapter,
takes them as they are. Source of the idea: Kwon et al. 2023, "PagedAttention" (arXiv 2309.06180), section 4.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

import torch
from torch import Tensor
from torch.nn import functional

from astrarium.core.errors import EngineError

PAGE = 32


@dataclass(frozen=True, slots=True)
class Shape:
    """What the cache of one model is made of."""

    layers: int
    kv_heads: int
    head_width: int
    dtype: torch.dtype
    """bf16, or fp32 where the weights are."""

    @property
    def padded_width(self) -> int:
        """The width of values in memory: whole vectors of 16."""
        return -(-self.head_width // 16) * 16

    @property
    def pair(self) -> int:
        """Numbers that lie side by side: two in bf16, which processors multiply at once (`native/attention.inl`)."""
        return 2 if self.dtype == torch.bfloat16 else 1

    @property
    def key_width(self) -> int:
        """The width of keys in memory: whole pairs."""
        return -(-self.head_width // self.pair) * self.pair

    @property
    def page_bytes(self) -> int:
        """Bytes that a page takes in all layers."""
        numbers = self.layers * self.kv_heads * PAGE * (self.key_width + self.padded_width)
        return numbers * self.dtype.itemsize


def pages_for(tokens: int) -> int:
    """How many pages so many positions take."""
    return -(-tokens // PAGE)


class Cache:
    """The pages of one model.

    Memory is taken from the system as pages are first written, so that a large cache costs nothing before it is used.
    """

    def __init__(self, shape: Shape, pages: int, device: torch.device | str = "cpu") -> None:
        self.shape, self.pages, self.device = shape, pages, device
        kept = torch.empty(0, dtype=shape.dtype, device=device)
        pair = shape.pair
        keys = (pages, shape.kv_heads, shape.key_width // pair, PAGE, pair)
        values = (pages, shape.kv_heads, PAGE // pair, shape.padded_width, pair)
        self.keys = [kept.new_empty(keys) for _ in range(shape.layers)]
        self.values = [kept.new_empty(values) for _ in range(shape.layers)]
        self._free = list(range(pages - 1, -1, -1))
        self._users = [0] * pages
        self._known: dict[bytes, int] = {}  # chain → page
        self._chain_of: dict[int, bytes] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()  # known, and used by nobody, the longest unused first
        self._cleared = [False] * pages
        self.touched = 0

    @property
    def available(self) -> int:
        """Pages that a request can have now."""
        return len(self._free) + len(self._idle)

    @property
    def nbytes(self) -> int:
        """Bytes that have been taken from the system."""
        return self.touched * self.shape.page_bytes

    def take(self, count: int) -> list[int]:
        """Some pages of one's own; nothing may be read of one before `open`.

        Raises:
            EngineError: there are not so many.
        """
        if count > self.available:
            raise EngineError(f"the cache has {self.available} pages left, and {count} are needed")
        found = []
        for _ in range(count):
            if self._free:
                page = self._free.pop()
            else:
                page, _ = self._idle.popitem(last=False)
                del self._known[self._chain_of.pop(page)]
            self._users[page] = 1
            found.append(page)
        return found

    def open(self, pages: list[int], start: int, stop: int) -> None:
        """Make ready the pages that hold the positions from `start` up to `stop`, which are about to be written."""
        for page in pages[start // PAGE : pages_for(stop)]:
            if not self._cleared[page]:
                self._clear(page)

    def give_back(self, pages: list[int]) -> None:
        """Let go of pages. Those whose content is known stay until their room is needed."""
        for page in reversed(pages):
            self._users[page] -= 1
            if self._users[page] == 0:
                if page in self._chain_of:
                    self._idle[page] = None
                else:
                    self._free.append(page)

    def spoil(self, pages: list[int]) -> None:
        """What these pages hold is broken (NaN): none of it is shared, and it is cleared before it is used again."""
        for page in pages:
            if (chain := self._chain_of.pop(page, None)) is not None:
                del self._known[chain]
            if self._cleared[page]:
                self._cleared[page] = False
                self.touched -= 1

    def shared(self, chains: list[bytes]) -> list[int]:
        """The pages that hold the first of these contents, each now used once more."""
        found = []
        for chain in chains:
            page = self._known.get(chain)
            if page is None:
                break
            self._users[page] += 1
            self._idle.pop(page, None)
            found.append(page)
        return found

    def remember(self, page: int, chain: bytes) -> None:
        """A full page's content, so that others find it."""
        if chain not in self._known and page not in self._chain_of:
            self._known[chain] = page
            self._chain_of[page] = chain

    def forget(self) -> None:
        """Forget all contents: an adapter's name now means something else."""
        for page in self._idle:
            self._free.append(page)
        self._idle.clear()
        self._known.clear()
        self._chain_of.clear()

    def _clear(self, page: int) -> None:
        # What was never written may be NaN, which even a weight of zero would let through.
        for layer in range(self.shape.layers):
            self.keys[layer][page].zero_()
            self.values[layer][page].zero_()
        self._cleared[page] = True
        self.touched += 1

    def put(self, layer: int, pages: list[int], position: int, keys: Tensor, values: Tensor) -> None:
        """Write keys and values, fp32 `[tokens, kv_heads, head_width]`, from a position on."""
        self.open(pages, position, position + len(keys))
        pair, width = self.shape.pair, self.shape.head_width
        where = torch.arange(position, position + len(keys), device=self.device)
        page, slot = torch.tensor(pages, device=self.device)[where // PAGE], where % PAGE
        padded = functional.pad(keys, (0, self.shape.key_width - width)).to(self.shape.dtype)
        pairs = padded.view(*keys.shape[:2], self.shape.key_width // pair, pair)
        self.keys[layer][page, :, :, slot] = pairs
        self.values[layer][page, :, slot // pair, :width, slot % pair] = values.to(self.shape.dtype)

    def read(self, layer: int, pages: list[int], tokens: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the first positions, fp32 `[kv_heads, tokens, head_width]`."""
        which = torch.tensor(pages[: pages_for(tokens)], device=self.device)
        width = self.shape.head_width
        keys = self.keys[layer][which].permute(1, 0, 3, 2, 4).flatten(3).flatten(1, 2)
        values = self.values[layer][which].permute(1, 0, 2, 4, 3).flatten(1, 3)
        return keys[:, :tokens, :width].float(), values[:, :tokens, :width].float()


def chains(ids: tuple[int, ...], seed: bytes) -> list[bytes]:
    """A digest for each full page of a request, of what it holds and all before it.

    Args:
        ids: the request's tokens from position 0 on, virtual ones too.
        seed: what else the content depends on: the adapter.
    """
    found: list[bytes] = []
    before = seed
    for at in range(0, len(ids) - PAGE + 1, PAGE):
        before = blake2b(before + array("q", ids[at : at + PAGE]).tobytes(), digest_size=16).digest()
        found.append(before)
    return found
