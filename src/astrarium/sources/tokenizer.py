"""Text to token ids and back, on the `tokenizers` package alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, Encoding

from astrarium.core.errors import TextError
from astrarium.core.files import atomic_open, write_json

# What transformers takes off where a tokenizer asks for clean_up_tokenization_spaces.
_CLEANED = (
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"),
    (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
)  # fmt: skip


class Tokenizer:
    """A base's tokenizer. Ids, offsets, text and rendered chats are those of transformers' `PreTrainedTokenizerFast`.

    Special tokens that are named and that the vocabulary lacks are added to it.
    """

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        *,
        special_tokens: Mapping[str, str] | None = None,
        extra_special_tokens: Sequence[str] = (),
        chat_template: str | None = None,
        padding_side: str = "right",
        clean_up_spaces: bool = False,
        max_length: int | None = None,
    ) -> None:
        """Wrap a backend, which from then on is the tokenizer's own.

        Args:
            backend: the pipeline of the `tokenizers` package.
            special_tokens: role (`bos_token`, …) → piece.
            extra_special_tokens: special pieces without a role.
            chat_template: the Jinja template of a chat.
            padding_side: `right` or `left`.
            clean_up_spaces: whether decoded text loses the spaces before punctuation.
            max_length: the most tokens that the model takes; only `save` looks at it.
        """
        backend.no_truncation()  # what a file asks for, and transformers does at no call but where it is asked to
        backend.no_padding()
        self._backend = backend
        self._lock = threading.Lock()
        self.special_tokens = dict(special_tokens or {})
        """Role → piece, of the roles that are filled."""
        self.extra_special_tokens = tuple(extra_special_tokens)
        """Special pieces without a role."""
        self.chat_template = chat_template
        self.padding_side = padding_side
        self._clean_up_spaces = clean_up_spaces
        self._max_length = max_length
        named = dict.fromkeys([*self.special_tokens.values(), *self.extra_special_tokens])
        known = {token.content for token in backend.get_added_tokens_decoder().values()}
        backend.add_tokens([AddedToken(piece, special=True) for piece in named if piece not in known])
        self.special_ids = frozenset(backend.token_to_id(piece) for piece in named)
        """Ids of the special tokens, those with a role and the extra ones."""

    def __len__(self) -> int:
        return self._backend.get_vocab_size(with_added_tokens=True)

    def __bool__(self) -> bool:
        return True  # however few its tokens

    def encode(self, text: str, *, add_special_tokens: bool = True, split_special_tokens: bool = False) -> list[int]:
        """A text as token ids.

        Args:
            text: the text.
            add_special_tokens: whether the tokenizer adds its own, such as a token at the beginning.
            split_special_tokens: whether a special token written in the text is text like any other.

        Raises:
            TextError: a text that is no Unicode.
        """
        return self._encoded(text, add_special_tokens, split_special_tokens).ids

    def encodings(self, texts: Sequence[str], *, add_special_tokens: bool = True) -> list[Encoding]:
        """Texts with everything that is known of their tokens: ids, offsets, words, masks; padded to one length.

        Raises:
            TextError: several texts and no padding token, or a text that is no Unicode.
        """
        pad_id = self.pad_token_id
        if len(texts) > 1 and pad_id is None:
            raise TextError("the tokenizer has no padding token, which several texts need; give one text at a time")
        made = [self._encoded(text, add_special_tokens, False) for text in texts]
        if pad_id is not None:
            longest = max(map(len, made), default=0)
            for encoding in made:
                encoding.pad(longest, direction=self.padding_side, pad_id=pad_id, pad_token=str(self.pad_token))
        return made

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = True) -> str:
        """Token ids as text."""
        text = self._backend.decode(list(ids), skip_special_tokens=skip_special_tokens)
        if self._clean_up_spaces:
            for found, left in _CLEANED:
                text = text.replace(found, left)
        return text

    def get_vocab(self) -> dict[str, int]:
        """Piece → id."""
        return self._backend.get_vocab(with_added_tokens=True)

    def id_of(self, token: str) -> int | None:
        """The id of a piece; None where the vocabulary lacks it."""
        return self._backend.token_to_id(token)

    def piece_of(self, token_id: int) -> str | None:
        """The piece of an id, as the vocabulary stores it; None where there is no such id."""
        return self._backend.id_to_token(token_id)

    @property
    def bos_token(self) -> str | None:
        """The token at the beginning."""
        return self.special_tokens.get("bos_token")

    @property
    def eos_token(self) -> str | None:
        """The token at the end."""
        return self.special_tokens.get("eos_token")

    @property
    def pad_token(self) -> str | None:
        """The token that fills up."""
        return self.special_tokens.get("pad_token")

    @property
    def unk_token(self) -> str | None:
        """The token for what the vocabulary lacks."""
        return self.special_tokens.get("unk_token")

    @property
    def bos_token_id(self) -> int | None:
        """Id of `bos_token`."""
        return self._id_of_role("bos_token")

    @property
    def eos_token_id(self) -> int | None:
        """Id of `eos_token`."""
        return self._id_of_role("eos_token")

    @property
    def pad_token_id(self) -> int | None:
        """Id of `pad_token`."""
        return self._id_of_role("pad_token")

    @property
    def unk_token_id(self) -> int | None:
        """Id of `unk_token`."""
        return self._id_of_role("unk_token")

    def apply_chat_template(self, turns: Sequence[Mapping[str, Any]], *, add_generation_prompt: bool = True) -> str:
        """A conversation as the chat template writes it.

        Args:
            turns: `{"role": …, "content": …}`, in order.
            add_generation_prompt: whether the text ends where the answer begins.

        Raises:
            TextError: there is no chat template, or it refuses the conversation or is broken.
        """
        from astrarium.sources.chat_template import render

        if self.chat_template is None:
            raise TextError("the tokenizer has no chat template")
        return render(self.chat_template, turns, self.special_tokens, add_generation_prompt=add_generation_prompt)

    def save(self, folder: Path) -> None:
        """Write the files that `AutoTokenizer` reads the same tokenizer back from, into a folder that exists."""
        with atomic_open(folder / "tokenizer.json") as file:
            file.write(self._backend.to_str(pretty=True))
        config: dict[str, Any] = {
            # The name that transformers reads before version 5 and since.
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": self._clean_up_spaces,
            "padding_side": self.padding_side,
            **self.special_tokens,
        }
        if self._clean_up_spaces and is_byte_pair(self._backend):
            config[FORCED_CLEAN_UP] = True
        if self.extra_special_tokens:
            config["extra_special_tokens"] = list(self.extra_special_tokens)
        if self._max_length is not None:
            config["model_max_length"] = self._max_length
        write_json(folder / "tokenizer_config.json", config)
        if self.chat_template is not None:
            with atomic_open(folder / "chat_template.jinja") as file:
                file.write(self.chat_template)

    def _encoded(self, text: str, add_special_tokens: bool, split_special_tokens: bool) -> Encoding:
        with self._lock:  # the switch is the backend's, and another thread's text must not become marks through it
            self._backend.encode_special_tokens = split_special_tokens
            try:
                return self._backend.encode(text, add_special_tokens=add_special_tokens)
            except TypeError as error:
                raise TextError(f"{ascii(text)[:80]} is no Unicode text: it holds half a surrogate pair") from error

    def _id_of_role(self, role: str) -> int | None:
        piece = self.special_tokens.get(role)
        return None if piece is None else self._backend.token_to_id(piece)


FORCED_CLEAN_UP = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"
"""The key of transformers' `tokenizer_config.json` without which byte pairs are never cleaned up."""


def is_byte_pair(backend: tokenizers.Tokenizer) -> bool:
    """Whether the vocabulary is one of byte pairs."""
    return type(backend.model).__name__ == "BPE"
