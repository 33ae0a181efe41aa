"""Pages: owned by one request or shared by several with the same beginning, never both, never lost."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from astrarium.core.errors import EngineError
from astrarium.engine.cache import PAGE, Cache, Shape, chains, pages_for

SHAPE = Shape(layers=1, kv_heads=1, head_width=4, dtype=torch.float32)
PAGES = 7


class Pages(RuleBasedStateMachine):
    """Requests that take, share, fill and give back pages, against a plain record of what each page holds."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache(SHAPE, PAGES)
        self.requests: list[tuple[list[int], list[bytes], int]] = []  # pages, contents, how many were shared
        self.holds: dict[int, bytes] = {}  # page → what was last written
        self.counter = 0

    @rule(pages=st.integers(1, 4), kind=st.integers(0, 2))
    def join(self, pages: int, kind: int) -> None:
        contents = chains(tuple([kind] * (pages * PAGE)), b"seed")
        shared = self.cache.shared(contents)
        for page, content in zip(shared, contents, strict=False):
            assert self.holds[page] == content
        if pages - len(shared) > self.cache.available:
            with pytest.raises(EngineError, match=r"the cache has \d+ pages left, and \d+ are needed"):
                self.cache.take(pages - len(shared))
            self.cache.give_back(shared)
            return
        own = self.cache.take(pages - len(shared))
        in_use = {page for others, _, _ in self.requests for page in others}
        assert not in_use & set(own)
        assert not set(own) & set(shared)
        self.cache.open(shared + own, len(shared) * PAGE, pages * PAGE)
        for page in own:
            assert not self.cache.keys[0][page].isnan().any()
            self.holds[page] = b"nothing"
        self.requests.append((shared + own, contents, len(shared)))

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def fill(self, data: st.DataObject) -> None:
        pages, contents, shared = self.requests[data.draw(st.integers(0, len(self.requests) - 1))]
        for page, content in list(zip(pages, contents, strict=True))[shared:]:
            self.cache.keys[0][page] = 1.0
            self.holds[page] = content
            self.cache.remember(page, content)

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), broken=st.booleans())
    def leave(self, data: st.DataObject, broken: bool) -> None:
        pages, _, _ = self.requests.pop(data.draw(st.integers(0, len(self.requests) - 1)))
        if broken and not any(set(pages) & set(others) for others, _, _ in self.requests):
            for page in pages:
                self.cache.keys[0][page] = torch.nan
            self.cache.spoil(pages)
        self.cache.give_back(pages)

    @invariant()
    def nothing_is_lost(self) -> None:
        used = {page for pages, _, _ in self.requests for page in pages}
        assert self.cache.available == PAGES - len(used)
        assert self.cache.nbytes <= PAGES * SHAPE.page_bytes


TestPages = Pages.TestCase
TestPages.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_the_longest_unused_is_taken_first() -> None:
    cache = Cache(SHAPE, 3)
    names = [b"a", b"b", b"c"]
    for name in names:
        page = cache.take(1)
        cache.remember(page[0], name)
        cache.give_back(page)
    cache.give_back(cache.shared([b"a"]))  # used again: now b is the oldest
    cache.take(1)
    assert [bool(cache.shared([name])) for name in names] == [True, False, True]


@given(st.lists(st.integers(-5, 99), min_size=0, max_size=100), st.integers(0, 99))
def test_chains_tell_beginnings_apart(ids: list[int], at: int) -> None:
    found = chains(tuple(ids), b"x")
    assert len(found) == len(ids) // PAGE
    other = list(ids)
    if at < len(ids):
        other[at] += 1
        same = at // PAGE
        assert chains(tuple(other), b"x")[:same] == found[:same]
        assert not set(chains(tuple(other), b"x")[same:]) & set(found)
    assert not set(chains(tuple(ids), b"y")) & set(found)


@given(st.integers(0, 90), st.integers(1, 70))
@settings(max_examples=40, deadline=None)
def test_what_is_put_is_read(position: int, tokens: int) -> None:
    shape = Shape(2, 3, 5, torch.float32)
    cache = Cache(shape, 8)
    pages = cache.take(pages_for(position + tokens))[::-1]
    torch.manual_seed(position)
    keys, values = torch.randn(tokens, 3, 5), torch.randn(tokens, 3, 5)
    cache.put(1, pages, position, keys, values)
    read_keys, read_values = cache.read(1, pages, position + tokens)
    assert torch.equal(read_keys[:, position:].transpose(0, 1), keys)
    assert torch.equal(read_values[:, position:].transpose(0, 1), values)
    begun = position // PAGE
    assert not read_keys[:, begun * PAGE : position].any()
    assert not cache.keys[0][torch.tensor(pages[begun:])].any()
    assert cache.nbytes == (pages_for(position + tokens) - begun) * shape.page_bytes  # of those that were written
