"""How text becomes tokens, and tokens text: everything a tokenizer says, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import TextError
from astrarium.sources import open_base

if TYPE_CHECKING:
    from tokenizers import Encoding

    from astrarium.sources.tokenizer import Tokenizer


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


def inspect_text(texts: Sequence[str], tokenizer: Tokenizer, *, add_special_tokens: bool = True) -> TokenTable:
    """The same, for a tokenizer at hand.

    Raises:
        TextError: several texts of different length, and a tokenizer without a padding token.
    """
    encodings = tokenizer.encodings(texts, add_special_tokens=add_special_tokens)
    rows = tuple(
        _row(text, encoding, tokenizer, add_special_tokens) for text, encoding in zip(texts, encodings, strict=True)
    )
    return TokenTable(
        rows=rows,
        padding_side=tokenizer.padding_side,
        special_tokens=dict(tokenizer.special_tokens),
        vocabulary=len(tokenizer),
        batch_decoded=tuple(tokenizer.decode(encoding.ids, skip_special_tokens=False) for encoding in encodings),
    )


def decode_ids(ids: Sequence[int], tokenizer: Tokenizer) -> dict[str, Any]:
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
        "pieces": [tokenizer.piece_of(number) for number in ids],
        "decoded": tokenizer.decode(ids, skip_special_tokens=False),
        "decoded_without_specials": tokenizer.decode(ids),
    }


def _row(text: str, encoding: Encoding, tokenizer: Tokenizer, add_special_tokens: bool) -> TokenRow:
    made = []
    for index, token_id in enumerate(encoding.ids):
        special = bool(encoding.special_tokens_mask[index])
        start, end = encoding.offsets[index]
        nowhere = special and start == end
        made.append(
            Token(
                index=index,
                id=token_id,
                piece=encoding.tokens[index],
                text=tokenizer.decode([token_id], skip_special_tokens=False),
                start=None if nowhere else start,
                end=None if nowhere else end,
                word=encoding.word_ids[index],
                special=special or token_id in tokenizer.special_ids,
                attention=encoding.attention_mask[index],
            )
        )
    last = max((word for word in encoding.word_ids if word is not None), default=-1)
    spans = [encoding.word_to_tokens(word) for word in range(last + 1)]
    return TokenRow(
        source=text,
        tokens=tuple(made),
        words=tuple((start, end) for start, end in filter(None, spans)),
        encoded=tuple(tokenizer.encode(text, add_special_tokens=add_special_tokens)),
        decoded=tokenizer.decode(encoding.ids, skip_special_tokens=False),
        decoded_without_specials=tokenizer.decode(encoding.ids),
    )
