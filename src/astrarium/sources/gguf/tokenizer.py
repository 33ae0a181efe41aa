"""The tokenizer in a GGUF file's metadata."""

from __future__ import annotations

from typing import Any

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, processors

from astrarium.core.errors import CorruptFileError, SourceError
from astrarium.sources.gguf.header import Header
from astrarium.sources.tokenizer import Tokenizer

_CONTROL, _USER_DEFINED = 3, 4
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# How text is cut before byte pairs are merged, by `tokenizer.ggml.pre`. Source: llama.cpp's `llama-vocab.cpp`.
_CUTS = {
    "default": (_GPT2,),
    "gpt-2": (_GPT2,),
    "smollm": (r"\p{N}", _GPT2),
    "starcoder": (r"\p{N}", _GPT2),
    "refact": (r"\p{N}", _GPT2),
    "llama-bpe": (rf"{_CONTRACTIONS}|{_WORDS}|\p{{N}}{{1,3}}|{_REST}",),
    "qwen2": (rf"{_CONTRACTIONS}|{_WORDS}|\p{{N}}|{_REST}",),
}


def tokenizer_of(header: Header, context: int) -> Tokenizer:
    """Build the tokenizer.

    Args:
        header: the file's header.
        context: the most tokens the model's positions reach.

    Raises:
        SourceError: a kind of vocabulary, or a way of cutting text, that is not known.
        CorruptFileError: the vocabulary is missing or does not fit together.
    """
    metadata = header.metadata
    pieces, kinds = _vocabulary(header)
    # Llama 3's words that are tokens are taken whole, though no merges lead to some of them.
    whole_words = metadata.get("tokenizer.ggml.pre") == "llama-bpe"
    try:
        model = models.BPE(_ids(header, pieces), _merges(header), fuse_unk=False, ignore_merges=whole_words)
    except CorruptFileError:
        raise
    except Exception as error:  # tokenizers raises bare Exceptions
        raise CorruptFileError(f"{header.path} has a vocabulary that does not fit together: {error}") from error
    backend = tokenizers.Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(cut), behavior="isolated") for cut in _cuts(header)]
        + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    backend.decoder = decoders.ByteLevel()
    for special in (_CONTROL, _USER_DEFINED):
        added = [
            AddedToken(piece, normalized=False, special=special == _CONTROL)
            for piece, kind in zip(pieces, kinds, strict=True)
            if kind == special
        ]
        (backend.add_special_tokens if special == _CONTROL else backend.add_tokens)(added)
    named = {
        f"{role}_token": _piece(header, pieces, key)
        for role, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
    }
    template = metadata.get("tokenizer.chat_template")
    if template is not None and not isinstance(template, str):
        raise CorruptFileError(f"{header.path}: tokenizer.chat_template is {str(template)[:80]!r}; expected text")
    # Where a file of Llama 3's kind does not say, llama.cpp begins with bos.
    if metadata.get("tokenizer.ggml.add_bos_token", whole_words) and named["bos_token"]:
        bos = named["bos_token"]
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, backend.token_to_id(bos))]
        )
    return Tokenizer(
        backend,
        special_tokens={role: piece for role, piece in named.items() if piece is not None},
        chat_template=template,
        max_length=context or None,
    )


def _vocabulary(header: Header) -> tuple[list[str], list[int]]:
    metadata = header.metadata
    model = metadata.get("tokenizer.ggml.model")
    if model != "gpt2":
        raise SourceError(
            f"{header.path} has a vocabulary of kind {model!r}; known is 'gpt2' (byte pairs). "
            "Name a folder of the same model instead"
        )
    pieces = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(pieces, list) or not pieces or not all(isinstance(piece, str) for piece in pieces):
        raise CorruptFileError(f"{header.path} has no tokenizer.ggml.tokens")
    kinds = metadata.get("tokenizer.ggml.token_type") or [1] * len(pieces)
    if not isinstance(kinds, list) or len(kinds) != len(pieces):
        found = len(kinds) if isinstance(kinds, list) else repr(kinds)[:40]
        raise CorruptFileError(f"{header.path} has {len(pieces)} tokens and {found} token types")
    return pieces, kinds


def _ids(header: Header, pieces: list[str]) -> dict[str, int]:
    ids = {piece: number for number, piece in enumerate(pieces)}
    if len(ids) != len(pieces):
        raise CorruptFileError(f"{header.path} has {len(pieces)} tokens, {len(pieces) - len(ids)} of them twice")
    return ids


def _merges(header: Header) -> list[tuple[str, str]]:
    merges = []
    for merge in header.metadata.get("tokenizer.ggml.merges") or []:
        left, space, right = str(merge).partition(" ")
        if not space:
            raise CorruptFileError(f"{header.path}: merge {merge!r} is not two pieces with a space between")
        merges.append((left, right))
    return merges


def _cuts(header: Header) -> tuple[str, ...]:
    way = header.metadata.get("tokenizer.ggml.pre", "default")
    if not isinstance(way, str) or way not in _CUTS:
        raise SourceError(f"{header.path} cuts text the way {way!r} (tokenizer.ggml.pre); known are {', '.join(_CUTS)}")
    return _CUTS[way]


def _piece(header: Header, pieces: list[str], role: str) -> Any:
    number = header.metadata.get(f"tokenizer.ggml.{role}_token_id")
    if number is None:
        return None
    if not isinstance(number, int) or not 0 <= number < len(pieces):
        raise CorruptFileError(f"{header.path}: {role} token is {number}; the vocabulary has {len(pieces)}")
    return pieces[number]
