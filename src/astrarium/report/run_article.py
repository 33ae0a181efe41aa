"""The article of a run or of an adapter, from the files that it left."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astrarium.core.errors import AstrariumError, ReportError
from astrarium.report import runs
from astrarium.report.adapter_facts import AdapterFacts, adapter_facts
from astrarium.report.article import Article
from astrarium.report.explained import explain_method
from astrarium.report.figures import Figure, bars, curves
from astrarium.report.loading import loading
from astrarium.report.runs import RunRecord

_KEYS = (
    "base", "best_step", "data", "data_digest", "losses", "method", "recipe", "rows", "seconds", "settings", "state",
    "template", "tokens_per_second", "trained_parameters", "versions",
)  # fmt: skip
"""Of a run's record; None in an article where the record lacks one."""


def article_of(what: str | Path, *, stem: str = "article") -> Article:
    """Write up a run or an adapter.

    Args:
        what: a run's folder, an adapter's folder, or a hub id of an adapter.
        stem: the name that the article's pictures begin with; the file's name without its ending.

    Raises:
        SourceError: nothing of that name, or files that cannot be read.
        ReportError: a folder that is neither.
    """
    return Article(stem).render("run.md.j2", **facts_of(what))


def facts_of(what: str | Path) -> dict[str, Any]:
    """What the templates of articles and cards are filled with.

    Raises:
        SourceError, ReportError: see `article_of`.
    """
    path = Path(what)
    run = runs.read_run(path) if runs.is_run(path) else None
    adapter = None if run is not None and not (run.path / "adapter").is_dir() else adapter_facts(what)
    if run is None and adapter is None:
        raise ReportError(f"{what} is neither a run nor an adapter")
    recorded = run.entries if run is not None else _of(adapter).source.metadata
    entries: dict[str, Any] = {**dict.fromkeys(_KEYS), **recorded}
    if run is not None and not run.finished:
        entries["losses"] = (
            None  # the record has them from the start on, with the untrained adapter's in the last place
        )
    recipe: Mapping[str, Any] = entries.get("recipe") or {}
    method = str(entries.get("method") or _of(adapter).method)
    options = dict(adapter.config) if adapter is not None else dict(recipe.get("options", {}))
    base = base_facts(str(entries.get("base") or (adapter.base if adapter else "")))
    needs_import = adapter is not None and adapter.config.get("peft_type") == "BOTTLENECK"
    template = str(entries.get("template") or "plain")
    place = str(path / "model") if method == "fft" else str(adapter.source.path if adapter else path / "adapter")
    return {
        "name": _name(path) if path.exists() else str(what),
        "what": shlex.quote(str(what)),
        "load": loading(base["name"], place, method, needs_import=needs_import, template=template),
        "run": run,
        "adapter": adapter,
        "entries": entries,
        "recipe": recipe,
        "method": method,
        "explained": explain_method(method, options, adapter.groups if adapter is not None else ()),
        "base": base,
        "curve": _curve(run) if run is not None else None,
        "share": _share,
        "needs_import": needs_import,
        "prompt_template": template,
        "data_file": re.split(r"[\\\\/]", str(entries["data"]))[-1] if entries["data"] else "",
        "samples": [_sample(line) for line in run.samples][:6] if run is not None else [],
        "groups_figure": _groups_figure(adapter) if adapter is not None and len(adapter.groups) > 1 else None,
    }


def _name(path: Path) -> str:
    """A folder's name; of one that is called `adapter`, as in every run, its run's too."""
    path = path.resolve()
    return f"{path.parent.name}/{path.name}" if path.name == "adapter" and path.parent.name else path.name


def base_facts(name: str, config: Mapping[str, Any] | None = None, where: str = "") -> dict[str, Any]:
    """What the base's configuration gives: parameters, shape, memory. `why` says why there is none.

    Only files on this machine are looked at: an article about a hub id does not go and fetch it.

    Args:
        name: of the base.
        config: its `config.json`, where the caller has it.
        where: where that comes from, in words.
    """
    from astrarium.sources import open_base

    if not name:
        return {"name": "", "why": "the base is not named", "parameters": None}
    if config is None and name != "default" and not Path(name).exists():
        return {"name": name, "why": "it is not on this machine", "parameters": None}
    try:
        if config is None:
            config, where = open_base(name).config, "the base's own `config.json`"
            if name == "default":
                where = "the header of the embedded default's file"
        return {"name": name, "why": "", "config": config, "where": where, **_shape(config)}
    except AstrariumError as error:
        return {"name": name, "why": str(error), "parameters": None}


def _shape(config: Mapping[str, Any]) -> dict[str, Any]:
    from astrarium.families import family_of

    family = family_of(config)
    return {
        "family": family.model_type,
        "parameters": family.parameters(config),
        "layers": family.layers(config),
        "width": family.width(config),
        "context": family.context(config),
        "bytes": {kind: family.weight_bytes(config, kind) for kind in ("fp32", "bf16", "int8", "int4")},
        "kv": family.kv_bytes_per_token(config),
    }


def _of(adapter: AdapterFacts | None) -> AdapterFacts:
    if adapter is None:  # the caller has one whenever there is no run
        raise ReportError("there is neither a run nor an adapter")
    return adapter


def _curve(run: RunRecord) -> Figure | None:
    if not run.steps:
        return None
    series = {"training": [(float(line["step"]), float(line["loss"])) for line in run.steps]}
    if run.validations:
        series["validation"] = [(float(step), loss) for step, loss in run.validations]
    first, last = series["training"][0], series["training"][-1]
    alt = f"Loss over {int(last[0])} steps: training from {first[1]:.3f} to {last[1]:.3f}"
    levels = {}
    losses = run.entries.get("losses") or {}
    if "base" in losses:
        levels["base alone, validation"] = float(losses["base"])
        kept = f" and {losses['end']:.3f} of what was kept" if run.finished else ""
        alt += f"; validation {losses['start']:.3f} at first{kept}, the base alone {losses['base']:.3f}"
    return curves(series, x="step", y="loss (nats a token)", alt=f"{alt}.", levels=levels)


def _groups_figure(adapter: AdapterFacts) -> Figure:
    values = [(_short(group.pattern), float(group.parameters)) for group in adapter.groups][:16]
    return bars(values, x="parameters", alt=f"Parameters of {len(values)} groups of tensors in the adapter's file.")


def _short(pattern: str) -> str:
    return ".".join(pattern.removesuffix(".weight").split(".")[-2:])


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g} %"


def _sample(line: Mapping[str, Any]) -> dict[str, str]:
    """A sample, whichever of the usual names its keys have."""

    def first(*names: str) -> str:
        return next((str(line[name]) for name in names if line.get(name) is not None), "")

    return {
        "prompt": first("prompt", "question", "task_id"),
        "base": first("base", "base_answer"),
        "adapter": first("adapter_answer", "completion", "generation", "answer"),
        "step": first("step"),
        "source": first("source"),
    }
