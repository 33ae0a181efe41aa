"""Examples laid into sequences of one length, and sequences into batches."""

from __future__ import annotations

import bisect
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from astrarium.tune.encode import Example

IGNORED = -100
"""The label that torch's cross-entropy passes over."""


@dataclass(slots=True)
class PackedSequence:
    """One sequence of the model's input. All lists are of one length."""

    ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    """Number of the row a token belongs to; attention stays inside."""
    sources: list[str] = field(default_factory=list)

    def add(self, example: Example) -> None:
        """Lay a row behind those that are there."""
        self.segments += [len(self.sources)] * len(example.ids)
        self.sources.append(example.source)
        self.ids += example.ids
        self.labels += [IGNORED if label is None else label for label in example.labels()]
        # No row may predict the first token of itself from the last of the row before it.
        self.labels[-len(example.ids)] = IGNORED
        self.positions += range(len(example.ids))


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences as tensors. B sequences, T tokens."""

    ids: torch.Tensor
    """`[B, T]`"""
    labels: torch.Tensor
    """`[B, T]`, `IGNORED` where nothing is learned."""
    positions: torch.Tensor
    """`[B, T]`"""
    segments: torch.Tensor
    """`[B, T]`, -1 for padding."""
    sources: tuple[str, ...]

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int((self.segments >= 0).sum())

    def padding_mask(self) -> torch.Tensor:
        """`[B, T]`: 1 for a token, 0 for padding."""
        return (self.segments >= 0).long()

    def attention_mask(self, dtype: torch.dtype) -> torch.Tensor:
        """`[B, 1, T, T]`, to be added to the scores: 0 where a token may look, the least number elsewhere.

        With rows a a b and one place of padding, a token looks at the x of its line:

            a  x . . .
            a  x x . .
            b  . . x .
            -  . . . x    (padding looks at itself: a line without any x would give NaN)
        """
        same = self.segments[:, :, None] == self.segments[:, None, :]
        length = self.ids.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        real = (self.segments >= 0)[:, None, :]
        allowed = (same & causal & real) | torch.eye(length, dtype=torch.bool)
        mask = torch.zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)
        return mask[:, None]


def pack(examples: Sequence[Example], length: int, way: str, seed: int) -> list[PackedSequence]:
    """Lay examples into sequences.

    Args:
        examples: the rows.
        length: tokens a sequence holds.
        way: `pack`, `concatenate` or `pad` (see `Settings.packing`).
        seed: of the order.
    """
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    if way == "concatenate":
        return _concatenated([examples[number] for number in order], length)
    bins = [[number] for number in order] if way == "pad" else _best_fit([len(e.ids) for e in examples], order, length)
    sequences = []
    for numbers in bins:
        sequence = PackedSequence()
        for number in numbers:
            sequence.add(examples[number])
        sequences.append(sequence)
    random.Random(seed + 1).shuffle(sequences)
    return sequences


def _best_fit(lengths: list[int], order: list[int], capacity: int) -> list[list[int]]:
    """Longest first, each into the fullest bin that still holds it.

    Capacity 10, lengths 6 5 4 3 2: 6 opens a bin, 5 another, 4 fills the first, 3 and 2 fill the second.
    """
    bins: list[list[int]] = []
    room: list[tuple[int, int]] = []
    for number in sorted(order, key=lambda number: -lengths[number]):
        at = bisect.bisect_left(room, (lengths[number], -1))
        if at == len(room):
            bins.append([number])
            left, which = capacity - lengths[number], len(bins) - 1
        else:
            left, which = room.pop(at)
            bins[which].append(number)
            left -= lengths[number]
        bisect.insort(room, (left, which))
    return bins


def _concatenated(examples: list[Example], length: int) -> list[PackedSequence]:
    """Rows end to end, cut where a sequence is full; tokens see the rows before theirs, as in Astraios."""
    whole = PackedSequence()
    for example in examples:
        whole.add(example)
    return [
        PackedSequence(
            ids=whole.ids[start : start + length],
            labels=[IGNORED, *whole.labels[start + 1 : start + length]],
            positions=list(range(len(whole.ids[start : start + length]))),
            segments=[0] * len(whole.ids[start : start + length]),
            sources=[examples[number].source for number in sorted(set(whole.segments[start : start + length]))],
        )
        for start in range(0, len(whole.ids), length)
    ]


def collate(sequences: Sequence[PackedSequence], pad: int) -> Batch:
    """Sequences as a batch, padded on the right."""
    longest = max(len(sequence.ids) for sequence in sequences)

    def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])

    return Batch(
        ids=padded([s.ids for s in sequences], pad),
        labels=padded([s.labels for s in sequences], IGNORED),
        positions=padded([s.positions for s in sequences], 0),
        segments=padded([s.segments for s in sequences], -1),
        sources=tuple(source for sequence in sequences for source in sequence.sources),
    )


@dataclass(frozen=True, slots=True)
class Flat:
    """Rows end to end, without padding. T tokens, of which L are learned."""

    ids: torch.Tensor
    """`[T]`"""
    positions: torch.Tensor
    """`[T]`"""
    starts: tuple[int, ...]
    """First token of each row, and T."""
    learned: torch.Tensor
    """`[L]`: the tokens whose successor is learned."""
    targets: torch.Tensor
    """`[L]`: those successors."""
    sources: tuple[str, ...]
    """Of each row; of sequences that were cut from rows end to end, all that are in them."""
    sequences: tuple[PackedSequence, ...]
    """What it was made from."""

    @property
    def tokens(self) -> int:
        """How many there are."""
        return len(self.ids)

    def source_of(self, number: int) -> str:
        """Where the learned token of a number comes from."""
        row = bisect.bisect_right(self.starts, int(self.learned[number])) - 1
        return self.sources[row]


def flatten(sequences: Sequence[PackedSequence]) -> Flat:
    """Sequences as one batch: attention's rows, and what is learned of them."""
    starts, sources, learned, targets = [0], [], [], []
    begin = 0
    for sequence in sequences:
        for number in sorted(set(sequence.segments)):
            starts.append(starts[-1] + sequence.segments.count(number))
        whole = len(set(sequence.segments)) == len(sequence.sources)
        sources += sequence.sources if whole else [", ".join(sequence.sources)]
        for at, label in enumerate(sequence.labels[1:]):
            if label != IGNORED:
                learned.append(begin + at)
                targets.append(label)
        begin += len(sequence.ids)
    return Flat(
        ids=torch.tensor([token for sequence in sequences for token in sequence.ids]),
        positions=torch.tensor([position for sequence in sequences for position in sequence.positions]),
        starts=tuple(starts),
        learned=torch.tensor(learned, dtype=torch.long),
        targets=torch.tensor(targets, dtype=torch.long),
        sources=tuple(sources),
        sequences=tuple(sequences),
    )
