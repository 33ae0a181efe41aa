"""A Hugging Face model card for an adapter: the hub's metadata, and below it what the article tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astrarium.core.errors import ReportError
from astrarium.report.article import Article
from astrarium.report.loading import loading
from astrarium.report.run_article import facts_of
from astrarium.sources.base import DEFAULT, DEFAULT_ON_HUB

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def card_of(what: str | Path, *, licence: str | None = None) -> Article:
    """Write the model card (`README.md` on the hub) of a run's adapter, or of an adapter.

    Args:
        what: a run's folder, an adapter's folder, or a hub id.
        licence: of the adapter, as the hub spells it (`apache-2.0`); left out where it is not given.

    Raises:
        SourceError, ReportError: see `article_of`; also a licence that the hub's metadata cannot hold.
    """
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise ReportError(f"licence is {licence!r}; expected the hub's spelling, such as apache-2.0, mit or other")
    facts = facts_of(what)
    facts["load"] = loading(
        facts["base"]["name"], ".", facts["method"], needs_import=facts["needs_import"],
        template=facts["prompt_template"], why="the folder of this card; elsewhere its id on the hub",
    )  # fmt: skip
    return Article("card").render("card.md.j2", metadata=_metadata(facts, licence), **facts)


def _metadata(facts: Mapping[str, Any], licence: str | None) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    name, method = re.sub(r"[^\w.-]+", "-", str(facts["name"])).strip("-") or "adapter", str(facts["method"])
    full = method == "fft"
    base = DEFAULT_ON_HUB if facts["base"]["name"] == DEFAULT else facts["base"]["name"]
    # A folder on somebody's machine is no model of the hub.
    on_hub = bool(_HUB_ID.fullmatch(base)) and not Path(base).exists()
    relation: dict[str, Any] = {"base_model_relation": "finetune" if full else "adapter"} if on_hub else {}
    losses = facts["entries"].get("losses") or {}
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type="custom",
            dataset_name="rows held back of the training data",
            dataset_args={"digest": facts["entries"].get("data_digest")},
            metric_type="loss",
            metric_name="validation loss, nats a token",
            metric_value=round(float(losses["end"]), 6),
        )
    ] if losses else None  # fmt: skip
    data = ModelCardData(
        library_name="transformers" if full else "peft",
        license=licence,
        pipeline_tag="text-generation",
        tags=["astrarium", "code", method] + ([] if full else ["adapter"]),
        model_name=name,
        eval_results=results,
        base_model=base if on_hub else None,
        **relation,
    )
    return str(data.to_yaml()).strip()
