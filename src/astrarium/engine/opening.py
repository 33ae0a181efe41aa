"""From a base's source to an engine: which weight format, whether it fits, from disk or made anew."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from astrarium.core.digests import digest_bytes
from astrarium.core.errors import CorruptFileError, EngineError
from astrarium.core.memory import trim
from astrarium.core.pages import forget_pages
from astrarium.engine import disk, memory, networks
from astrarium.engine.cache import PAGE
from astrarium.engine.calibration import Unrounded, calibrate, texts_for
from astrarium.engine.engine import Decode, Engine
from astrarium.engine.formats.layers import HeldLinear
from astrarium.engine.formats.torch_layers import for_torch
from astrarium.engine.large_pages import LargePages
from astrarium.engine.native import kernels
from astrarium.engine.native import why_not as why_no_kernels
from astrarium.engine.weights import FORMATS, Plan, Weights, hold
from astrarium.families import family_of

if TYPE_CHECKING:
    from astrarium.sources import BaseSource

AUTO = "auto"
MEASURED = 100_000_000
"""Parameters from which on `auto` takes int4: the size of the one base on which its loss is measured."""


def open_engine(
    source: BaseSource,
    *,
    weight_format: str = AUTO,
    cache: Path | None = None,
    ends: list[int] | None = None,
    decode: Decode | None = None,
    device: str = "cpu",
    cache_tokens: int | None = None,
    **options: Any,
) -> tuple[Engine, list[str]]:
    """An engine over a base.

    Args:
        source: the base.
        weight_format: one of `FORMATS`, or `auto`.
        cache: a folder where rounded weights are kept; None keeps none.
        ends: ids that end an answer.
        decode: ids → text.
        device: where weights, cache and adapters go: `cpu`, `cuda`, `cuda:1`, …
        cache_tokens: positions that all requests together may hold; None for eight whole contexts, or what fits.
        **options: of `Engine`.

    Returns:
        The engine, and what the user should know of it.

    Raises:
        SourceError: the base's weights cannot be read.
        EngineError: an unknown format, weights that are not finite, or too little memory.
    """
    where = device_of(device)
    networks.check(source.config, source.name)
    chosen, notes, rounds = _format(source, weight_format, where)
    needed = _needed(source, chosen, where)
    free = memory.available(where)
    advice = "take a smaller weight format (--format int8 or int4), or a smaller base"
    memory.check_fits(f"{source.name} in {chosen}", needed, free, advice)
    tokens, note = memory.cache_tokens(
        source.config, chosen, cache_tokens, None if free is None else free - needed, source.name
    )
    notes += [note] if note else []
    with torch.device("cpu"):  # whatever the caller's default is
        weights, mapped = _weights(source, chosen, cache, notes)
        notes += [] if mapped else rounds
        weights = weights.moved(where)
        if where.type == "cpu" and kernels() is None:
            weights = for_torch(weights, Plan.of(source.config).embedding)
        network = networks.build(source.config, weights)
        engine = Engine(network, weights, ends=ends or (), decode=decode, cache_tokens=tokens, **options)
    return engine, notes + weights.notes


def predict(
    source: BaseSource, *, weight_format: str = AUTO, device: str = "cpu", cache_tokens: int | None = None
) -> dict[str, int]:
    """Bytes that `open_engine` would take, from a base's header and configuration alone.

    Returns:
        `weights`, tables of positions counted; `cache_most`, where so many tokens fit, and `cache_token` for one;
        `free`, where the system says it.

    Raises:
        SourceError, EngineError: see `open_engine`; too little memory is none of them.
    """
    where = device_of(device)
    networks.check(source.config, source.name)
    chosen, _, _ = _format(source, weight_format, where)
    tokens = 8 * family_of(source.config).context(source.config) if cache_tokens is None else cache_tokens
    found = {
        "weights": _needed(source, chosen, where),
        "cache_most": memory.cache_bytes(source.config, tokens, chosen),
        "cache_token": memory.cache_bytes(source.config, PAGE, chosen) // PAGE,
    }
    free = memory.available(where)
    return found if free is None else {**found, "free": free}


def _needed(source: BaseSource, chosen: str, where: torch.device) -> int:
    packed = where.type == "cpu" and kernels() is None
    weights = memory.weight_bytes(source.config, chosen, source.kinds(), packed=packed)
    return weights + memory.table_bytes(source.config)


def device_of(name: str) -> torch.device:
    """A device that is here.

    Raises:
        EngineError: no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EngineError(f"device {name!r} is not known; expected cpu, cuda or cuda:NUMBER") from error
    if device.type not in ("cpu", "cuda"):
        raise EngineError(f"device {name!r} is not known; expected cpu, cuda or cuda:NUMBER")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise EngineError(f"device {name!r} is not here; torch finds {torch.cuda.device_count()} CUDA devices")
    return device


def _format(source: BaseSource, wanted: str, device: torch.device) -> tuple[str, list[str], list[str]]:
    """The weight format, why it is a slow one if it is, and what is to be said where weights are rounded."""
    if wanted not in (AUTO, *FORMATS):
        raise EngineError(f"weight format {wanted!r} is not known; expected {', '.join((AUTO, *FORMATS))}")
    gguf = source.path.suffix == ".gguf"
    if wanted == "gguf" and not gguf:
        raise EngineError(f"{source.name} is no GGUF file; its weight format is one of {AUTO}, fp32, bf16, int8, int4")
    on_cpu = device.type == "cpu"
    if on_cpu and kernels() is not None:
        return _quickest(source, gguf) if wanted == AUTO else (wanted, [], [])
    note = why_no_kernels() if on_cpu else f"on {device} torch's kernels do the work"
    if wanted == AUTO and gguf and on_cpu:
        wanted = "gguf"  # writes twice as fast as bf16, in a quarter of the memory
    if wanted == AUTO:
        own = str(source.config.get("dtype") or source.config.get("torch_dtype") or "float32")
        return ("bf16" if gguf or own.endswith("16") else "fp32"), [note] if on_cpu else [], []
    if wanted in ("int8", "int4", "gguf"):
        note += f"; {wanted} is "
        note += "multiplied in bf16, and prompts are read slower" if on_cpu else "dequantised at every step"
    return wanted, [note], []


def _quickest(source: BaseSource, gguf: bool) -> tuple[str, list[str], list[str]]:
    """What `auto` takes where the compiled kernels are, as `_format` says it."""
    if gguf:
        return "gguf", [], []
    took = f"{source.name}: format auto holds its weights in"
    if family_of(source.config).parameters(source.config) < MEASURED:
        return "int8", [], [f"{took} int8, which rounds them; bf16 takes twice the memory and rounds less"]
    read, why_none = texts_for(source.config, source.tokenizer)
    if read:
        return "int4", [], [f"{took} int4, which rounds them; int8 takes twice the memory and loses less"]
    return "int8", [], [f"{took} int8, since int4 cannot be calibrated: {why_none}"]


def _weights(source: BaseSource, chosen: str, cache: Path | None, notes: list[str]) -> tuple[Weights, bool]:
    """The weights, and whether they were there already, rounded by an earlier start."""
    if cache is None or chosen not in ("int8", "int4"):
        return _made(source, chosen, LargePages().keep), False
    file = cache / f"{_identity(source)[:32]}-{chosen}-v{disk.VERSION}.safetensors"
    if file.is_file():
        try:
            return _tied(disk.read_weights(file), source), True
        except CorruptFileError:
            file.unlink(missing_ok=True)  # made anew: it was ours
    try:
        writer = disk.Writer(file, len(Plan.of(source.config).shapes))
    except OSError as error:
        notes.append(f"rounded weights are not kept for the next start: {error}")
        return _made(source, chosen, LargePages().keep), False
    try:
        weights = _made(source, chosen, writer.keep)
        if not writer.finish(weights):
            notes.append(f"rounded weights are not kept for the next start: {file.parent} cannot hold them")
            return weights, False
    finally:
        writer.drop()
    # What was written piece by piece lies in small pages: mapped anew it comes in large ones, now and at later starts.
    del weights
    gc.collect()
    forget_pages(file)
    try:
        return _tied(disk.read_weights(file), source), False
    except (OSError, CorruptFileError):  # somebody has taken the file away
        return _made(source, chosen, LargePages().keep), False


def _identity(source: BaseSource) -> str:
    """What tells a base's weights from any others: their digest, and since that reads samples only, when they came."""
    written = [f"{file.name} {file.stat().st_mtime_ns}" for file in sorted(source.weight_files())]
    return digest_bytes("\n".join([source.digest(), *written]).encode()).rpartition(":")[2]


def _made(
    source: BaseSource,
    chosen: str,
    keep: Callable[[str, HeldLinear], HeldLinear] = lambda path, layer: layer,
) -> Weights:
    """The weights from the base's files."""
    later = Unrounded if chosen == "int4" else None
    weights = hold(source.config, source.tensors(), chosen, source.name, keep, later)
    if later is not None:
        read, why_none = texts_for(source.config, source.tokenizer)
        if not read:
            weights.notes.append(f"{source.name}: int4 is rounded without calibration, which loses more: {why_none}")
        calibrate(source.config, weights, read, source.name, keep)
    trim()  # rounding takes and frees much more than is held
    return weights


def _tied(weights: Weights, source: BaseSource) -> Weights:
    plan = Plan.of(source.config)
    if plan.tied:
        weights.linears["lm_head"] = weights.linears[plan.embedding]
    return weights
