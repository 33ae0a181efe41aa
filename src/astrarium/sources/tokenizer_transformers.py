"""Tokenizers that only transformers can build, such as SentencePiece models, turned into ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from astrarium.core.errors import SourceError
from astrarium.sources.tokenizer import FORCED_CLEAN_UP, Tokenizer, is_byte_pair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def converted(folder: Path, name: str) -> tuple[Tokenizer, str]:
    """Have transformers build a folder's tokenizer, and turn it into ours. No code from the folder is run.

    Returns:
        The tokenizer, and a note that this is slower.

    Raises:
        SourceError: there is none, or none that transformers can build on the `tokenizers` package.
    """
    from transformers import AutoTokenizer

    try:
        theirs = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except Exception as error:  # it raises whatever its converters do
        reason = " ".join(str(error).split())[:200]
        raise SourceError(f"{name} has no tokenizer that can be read: {reason}") from error
    if not hasattr(theirs, "backend_tokenizer"):
        raise SourceError(f"{name} has a tokenizer of kind {type(theirs).__name__}, which has no tokenizer.json form")
    note = (
        f"{name} has no tokenizer.json; transformers converts its tokenizer at each start, which is slower "
        "(AutoTokenizer's save_pretrained writes one)"
    )
    return from_transformers(theirs), note


def from_transformers(theirs: PreTrainedTokenizerFast) -> Tokenizer:
    """The same tokenizer as ours. It takes the backend over."""
    template = theirs.chat_template
    cleans = theirs.clean_up_tokenization_spaces
    backend = theirs.backend_tokenizer
    return Tokenizer(
        backend,
        special_tokens=theirs.special_tokens_map,
        extra_special_tokens=theirs.extra_special_tokens,
        chat_template=template.get("default") if isinstance(template, dict) else template,
        padding_side=theirs.padding_side,
        clean_up_spaces=bool(cleans and (not is_byte_pair(backend) or getattr(theirs, FORCED_CLEAN_UP, False))),
        max_length=theirs.model_max_length,
    )
