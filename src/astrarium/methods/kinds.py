"""Which kind of adapter a site gets: `in` (before the linear), `out` (after it) or `parallel` (beside it)."""

from __future__ import annotations

from collections.abc import Mapping

from astrarium.core.errors import AdapterError
from astrarium.families import site_kinds

KINDS = ("in", "out", "parallel")

_MLP_4H = {"dense_h_to_4h": "in", "dense_4h_to_h": "out"}
_C_FC = {"c_fc": "in", "c_proj": "out"}

# The original's own table (golden FORMAT.md, section 4): model_type → last path component → kind.
FORK_TABLE: Mapping[str, Mapping[str, str]] = {
    "gpt_bigcode": _C_FC,
    "gpt_neo": _C_FC,
    "llama": {"gate_proj": "in", "up_proj": "in", "down_proj": "out"},
    "gptj": {"fc_in": "in", "fc_out": "out"},
    "opt": {"fc1": "in", "fc2": "out"},
    "bloom": _MLP_4H,
    "chatglm": _MLP_4H,
}


def kind_of(path: str, model_type: str, *, parallel: bool, chosen: Mapping[str, str] | None) -> str:
    """The kind of the site at `path`.

    Args:
        path: module path inside the base model, such as `transformer.h.0.mlp.c_fc`.
        model_type: the base's `model_type`.
        parallel: the config's `use_parallel_adapter`.
        chosen: the config's `site_kinds`; its longest ending that fits wins over every table.

    Returns:
        `in`, `out` or `parallel`.

    Raises:
        AdapterError: nothing says which kind it is.
    """
    endings = [ending for ending in chosen or {} if path.endswith(ending)]
    if chosen and endings:
        return chosen[max(endings, key=len)]
    fallback = fork_kind(path, model_type, parallel=parallel)
    if fallback is not None:
        return fallback
    last = path.rpartition(".")[2]
    known = site_kinds(model_type)
    if last in known:
        return known[last]
    raise AdapterError(
        f"the kind of site {path!r} is unknown: a {model_type!r} model has kinds only for "
        f"{sorted({**FORK_TABLE.get(model_type, {}), **known}) or 'no linear'}; "
        f"name it, as in site_kinds={{{last!r}: 'in'}} (or 'out', or 'parallel')"
    )


def fork_kind(path: str, model_type: str, *, parallel: bool) -> str | None:
    """The kind that the Astraios fork would give the site, or None where it refuses it."""
    if parallel:
        return "parallel"
    return FORK_TABLE.get(model_type, {}).get(path.rpartition(".")[2])
