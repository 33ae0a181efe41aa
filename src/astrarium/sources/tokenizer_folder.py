"""The tokenizer in a folder, as transformers saves one: `tokenizer.json` and the small files beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers, processors

from astrarium.core.errors import CorruptFileError
from astrarium.sources.folder import read_json_object
from astrarium.sources.tokenizer import FORCED_CLEAN_UP, Tokenizer, is_byte_pair

_ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_END = "<|endoftext|>"
# What transformers' classes name where a folder does not, as GPT-2's own does not.
_DEFAULTS: dict[str, dict[str, str]] = {
    "GPT2Tokenizer": {"unk_token": _END, "bos_token": _END, "eos_token": _END},
    "Qwen2Tokenizer": {"unk_token": _END, "eos_token": _END, "pad_token": _END},
    "GPTNeoXTokenizer": {"unk_token": _END, "bos_token": _END, "eos_token": _END, "pad_token": "<|padding|>"},
    "LlamaTokenizer": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
    "CodeLlamaTokenizer": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
}
_CLASS_OF = {
    **dict.fromkeys(("gpt2", "gpt_bigcode", "starcoder2", "gptj", "gpt_neo", "codegen", "phi"), "GPT2Tokenizer"),
    **dict.fromkeys(("qwen2", "qwen2_moe", "qwen3", "qwen3_moe"), "Qwen2Tokenizer"),
    "gpt_neox": "GPTNeoXTokenizer",
    "code_llama": "CodeLlamaTokenizer",
}
_PADS_LEFT = ("LlamaTokenizer", "CodeLlamaTokenizer")


def read_tokenizer(folder: Path, name: str, config: Mapping[str, Any]) -> tuple[Tokenizer, str | None]:
    """Read the tokenizer of a folder. No code from the folder is run.

    `tokenizer.json` is taken as it stands, though transformers 5 puts a pipeline of its own in its place for some
    classes: its `GPT2Tokenizer` for StarCoder2 no longer cuts digits apart as the model was trained.
    Where there is no such file, GPT-2's `vocab.json` and `merges.txt` are read; any other kind is left to transformers.

    Args:
        folder: the folder.
        name: what to call it in messages.
        config: the content of its `config.json`, which tells the kind of a tokenizer that does not say.

    Returns:
        The tokenizer, and what the user should know of how it was read.

    Raises:
        CorruptFileError: a file is broken.
        SourceError: there is no tokenizer.
    """
    file = folder / "tokenizer.json"
    settings = _settings(folder)
    kind = str(settings.get("tokenizer_class") or config.get("tokenizer_class") or _CLASS_OF.get(config["model_type"]))
    kind = kind.removesuffix("Fast")
    if file.is_file():
        backend = _built(name, lambda: tokenizers.Tokenizer.from_file(str(file)))
    elif _is_gpt2(folder, kind):
        backend = _built(name, lambda: _gpt2(folder, settings))
    else:
        from astrarium.sources.tokenizer_transformers import converted

        return converted(folder, name)
    padding = backend.padding or {}
    try:
        _add_tokens(backend, folder, settings)
        named = _named(settings)
        if "pad_token" in padding:
            named.setdefault("pad_token", padding["pad_token"])
        for role, piece in _DEFAULTS.get(kind, {}).items():
            if role not in settings and backend.token_to_id(piece) is not None:
                named.setdefault(role, piece)
        tokenizer = Tokenizer(
            backend,
            special_tokens=named,
            extra_special_tokens=_extra(settings),
            chat_template=_chat_template(folder, settings),
            padding_side=_side(settings, padding, kind),
            clean_up_spaces=bool(settings.get("clean_up_tokenization_spaces"))
            and (not is_byte_pair(backend) or bool(settings.get(FORCED_CLEAN_UP))),
            max_length=settings.get("model_max_length"),
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CorruptFileError(f"{name} has no tokenizer that can be read: {_reason(error)}") from error
    if not file.is_file():
        _begin_and_end(backend, tokenizer, settings)
    return tokenizer, None


def _settings(folder: Path) -> dict[str, Any]:
    """`tokenizer_config.json`, and what older folders have in `special_tokens_map.json` instead."""
    settings = _json(folder / "tokenizer_config.json")
    if "added_tokens_decoder" not in settings:
        settings |= _json(folder / "special_tokens_map.json")
    return settings


def _json(path: Path) -> dict[str, Any]:
    return read_json_object(path, missing="") if path.is_file() else {}


def _built(name: str, build: Callable[[], tokenizers.Tokenizer]) -> tokenizers.Tokenizer:
    try:
        return build()
    except Exception as error:  # tokenizers raises bare Exceptions
        raise CorruptFileError(f"{name} has no tokenizer that can be read: {_reason(error)}") from error


def _is_gpt2(folder: Path, kind: str) -> bool:
    files = (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()
    return files and kind == "GPT2Tokenizer"


def _gpt2(folder: Path, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=bool(settings.get("add_prefix_space", False)))
    backend.decoder = decoders.ByteLevel()
    return backend


def _begin_and_end(backend: tokenizers.Tokenizer, tokenizer: Tokenizer, settings: Mapping[str, Any]) -> None:
    # Only here: where there is a tokenizer.json, transformers 5 too leaves it to that file's post-processor.
    bos = tokenizer.bos_token if settings.get("add_bos_token") else None
    eos = tokenizer.eos_token if settings.get("add_eos_token") else None
    pieces = [piece for piece in (bos, eos) if piece is not None]
    parts = [*([bos] if bos else []), "$A", *([eos] if eos else [])]
    backend.post_processor = processors.TemplateProcessing(
        single=parts, special_tokens=[(piece, backend.token_to_id(piece)) for piece in dict.fromkeys(pieces)]
    )


def _add_tokens(backend: tokenizers.Tokenizer, folder: Path, settings: Mapping[str, Any]) -> None:
    """Add the tokens of `added_tokens_decoder`, or of `added_tokens.json`, that the backend does not have so."""
    present = backend.get_added_tokens_decoder()
    known = {repr(token) for token in present.values()}
    named = dict.fromkeys([*_named(settings).values(), *_extra(settings)])
    added: dict[int, AddedToken] = {}
    if "added_tokens_decoder" in settings:
        added = {int(number): _token(value) for number, value in settings["added_tokens_decoder"].items()}
    else:
        for piece, number in _json(folder / "added_tokens.json").items():
            added[int(number)] = AddedToken(piece, normalized=piece not in named, special=piece in named)
        added |= present
    backend.add_tokens([token for _, token in sorted(added.items(), key=_number) if repr(token) not in known])
    # What is named and still missing comes after, in the order of the roles; it keeps its own ways (lstrip, rstrip).
    pieces = {token.content for token in backend.get_added_tokens_decoder().values()}
    ways = _ways(settings)
    backend.add_tokens(
        [_token({**ways.get(piece, {}), "content": piece, "special": True}) for piece in named if piece not in pieces]
    )


def _ways(settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Piece → how it is matched, of the special tokens that are told with it."""
    values = list(settings.values())
    for key in ("extra_special_tokens", "additional_special_tokens"):
        extra = settings.get(key) or []
        values += extra.values() if isinstance(extra, dict) else extra
    return {value["content"]: value for value in values if _is_token(value)}


def _number(entry: tuple[int, AddedToken]) -> int:
    return entry[0]


def _token(value: Mapping[str, Any]) -> AddedToken:
    fields = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return AddedToken(value["content"], **{key: bool(value[key]) for key in fields if key in value})


def _named(settings: Mapping[str, Any]) -> dict[str, str]:
    """Role → piece: the usual roles first, then those of this model alone."""
    named = {role: _piece(settings[role]) for role in _ROLES if settings.get(role) is not None}
    for key, value in settings.items():
        if key.endswith("_token") and key not in named and (isinstance(value, str) or _is_token(value)):
            named[key] = _piece(value)
    extra = settings.get("extra_special_tokens")
    return named | ({role: _piece(value) for role, value in extra.items()} if isinstance(extra, dict) else {})


def _extra(settings: Mapping[str, Any]) -> list[str]:
    extra = settings.get("extra_special_tokens") or settings.get("additional_special_tokens") or []
    return [] if isinstance(extra, dict) else [_piece(value) for value in extra]


def _piece(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and _is_token(value):
        return str(value["content"])
    raise ValueError(f"a special token is {value!r}; expected text")


def _is_token(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("content"), str)


def _side(settings: Mapping[str, Any], padding: Mapping[str, Any], kind: str) -> str:
    side = settings.get("padding_side") or padding.get("direction") or ("left" if kind in _PADS_LEFT else "right")
    if side not in ("left", "right"):
        raise ValueError(f"padding_side is {side!r}; expected left or right")
    return str(side)


def _chat_template(folder: Path, settings: Mapping[str, Any]) -> str | None:
    """The template: from `chat_template.jinja`, the settings, or `chat_template.json`. Of several, the default."""
    if (folder / "chat_template.jinja").is_file():
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    for template in _templates(folder, settings):
        if isinstance(template, list):
            template = {entry["name"]: entry["template"] for entry in template}
        if isinstance(template, dict):
            template = template.get("default")
        if template is not None and not isinstance(template, str):
            raise ValueError(f"chat_template is {str(template)[:80]!r}; expected text")
        if template is not None:
            return template
    return None


def _templates(folder: Path, settings: Mapping[str, Any]) -> Iterator[Any]:
    yield settings.get("chat_template")
    yield _json(folder / "chat_template.json").get("chat_template")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
