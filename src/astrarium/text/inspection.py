"""How text becomes tokens, and tokens text: everything a tokenizer says, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import TextError
from astrarium.sources import open_base

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Token:
    """One token of one text."""

    index: int
    id: int
    piece: str
    """As the vocabulary stores it."""
    text: str
    """What the id alone decodes to."""
    start: int | None
    """First character in the text; None for a token that stands for none."""
    end: int | None
    word: int | None
    """Number of the word, as the tokenizer cuts words."""
    special: bool
    attention: int
    """1 for a real token, 0 for padding."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One text and its tokens."""

    source: str
    tokens: tuple[Token, ...]
    words: tuple[tuple[int, int], ...]
    """Of each word, `word_to_tokens`: its first token and the one after its last."""
    encoded: tuple[int, ...]
    """What `encode` gives."""
    decoded: str
    """What `decode` gives of the ids."""
    decoded_without_specials: str
    """What `decode(…, skip_special_tokens=True)` gives."""


@dataclass(frozen=True, slots=True)
class TokenTable:
    """One or several texts, as a batch."""

    rows: tuple[TokenRow, ...]
    padding_side: str
    special_tokens: dict[str, str]
    """Role (`bos_token`, …) → piece."""
    vocabulary: int
    batch_decoded: tuple[str, ...]
    """What `batch_decode` gives."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def tokens(text: str | Sequence[str], base: str = "default", *, add_special_tokens: bool = True) -> TokenTable:
    """How a base's tokenizer cuts one or several texts.

    Args:
        text: a text, or several, which are then padded to one length.
        base: `default`, a folder, a `.gguf` file, or a hub id.
        add_special_tokens: whether the tokenizer adds its own, such as a token at the beginning.

    Raises:
        SourceError: the base cannot be found or has no tokenizer.
    """
    tokenizer = open_base(base).tokenizer()
    return inspect_text([text] if isinstance(text, str) else text, tokenizer, add_special_tokens=add_special_tokens)


def inspect_text(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, add_special_tokens: bool = True
) -> TokenTable:
    """The same, for a tokenizer at hand.

    Raises:
        TextError: several texts of different length, and a tokenizer without a padding token.
    """
    batch = call_tokenizer(texts, tokenizer, add_special_tokens=add_special_tokens)
    rows = tuple(_row(text, number, batch, tokenizer, add_special_tokens) for number, text in enumerate(texts))
    return TokenTable(
        rows=rows,
        padding_side=tokenizer.padding_side,
        special_tokens={role: str(piece) for role, piece in tokenizer.special_tokens_map.items()},
        vocabulary=len(tokenizer),
        batch_decoded=tuple(tokenizer.batch_decode(batch["input_ids"])),
    )


def call_tokenizer(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    add_special_tokens: bool = True,
    return_tensors: str | None = None,
) -> Any:
    """The tokenizer's call on a batch: ids, masks, offsets.

    Args:
        texts: one or several; several are padded.
        tokenizer: the tokenizer.
        add_special_tokens: whether the tokenizer adds its own.
        return_tensors: `pt`, `np`, or None for lists.

    Raises:
        TextError: texts that must be padded, and no padding token.
    """
    if len(texts) > 1 and tokenizer.pad_token is None:
        raise TextError("the tokenizer has no padding token, which several texts need; give one text at a time")
    return tokenizer(
        list(texts),
        padding=len(texts) > 1,
        add_special_tokens=add_special_tokens,
        return_offsets_mapping=return_tensors is None,
        return_special_tokens_mask=return_tensors is None,
        return_tensors=return_tensors,
    )


def decode_ids(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """What token ids stand for: pieces, text, and text without special tokens.

    Raises:
        TextError: an id outside the vocabulary.
    """
    size = len(tokenizer)
    for number in ids:
        if not 0 <= number < size:
            raise TextError(f"id {number} is outside the vocabulary; it has the ids 0 to {size - 1}")
    return {
        "ids": list(ids),
        "pieces": tokenizer.convert_ids_to_tokens(list(ids)),
        "decoded": tokenizer.decode(list(ids)),
        "decoded_without_specials": tokenizer.decode(list(ids), skip_special_tokens=True),
    }


def _row(text: str, number: int, batch: Any, tokenizer: PreTrainedTokenizerBase, add_special_tokens: bool) -> TokenRow:
    ids = batch["input_ids"][number]
    word_ids = batch.word_ids(number)
    made = []
    for index, token_id in enumerate(ids):
        special = bool(batch["special_tokens_mask"][number][index])
        start, end = batch["offset_mapping"][number][index]
        nowhere = special and start == end
        made.append(
            Token(
                index=index,
                id=token_id,
                piece=tokenizer.convert_ids_to_tokens(token_id),
                text=tokenizer.decode([token_id]),
                start=None if nowhere else start,
                end=None if nowhere else end,
                word=word_ids[index],
                special=special or token_id in tokenizer.all_special_ids,
                attention=batch["attention_mask"][number][index],
            )
        )
    last = max((word for word in word_ids if word is not None), default=-1)
    spans = [batch.word_to_tokens(number, word) for word in range(last + 1)]
    return TokenRow(
        source=text,
        tokens=tuple(made),
        words=tuple((span.start, span.end) for span in spans if span is not None),
        encoded=tuple(tokenizer.encode(text, add_special_tokens=add_special_tokens)),
        decoded=tokenizer.decode(ids),
        decoded_without_specials=tokenizer.decode(ids, skip_special_tokens=True),
    )
