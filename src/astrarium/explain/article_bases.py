"""The figures of an article on a script: the adapter's method on this base, and the prompt's tokens."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astrarium.core.errors import AstrariumError
from astrarium.report.explained import explain_method

_HUB = "bigcode/astraios-"


def method_facts(adapter: str | None, base: Mapping[str, Any]) -> dict[str, Any] | None:
    """The method of an adapter: from its folder where it is on this machine, from its name for Astraios's.

    Args:
        adapter: its name, where the reading knows it.
        base: what `base_facts` gives.
    """
    from astrarium.methods import METHODS, recipe

    if adapter is None:
        return None
    if Path(adapter).exists():
        from astrarium.report.adapter_facts import adapter_facts

        try:
            facts = adapter_facts(adapter)
        except AstrariumError:
            return None
        explained = explain_method(facts.method, facts.config, facts.groups)
        where = f"`{facts.source.weights.name}` of the adapter"
        return {
            "explained": explained, "method": facts.method, "options": facts.config, "parameters": facts.parameters,
            "where": where, "sites": [], "unit": None,
        }  # fmt: skip
    method = adapter.rsplit("-", 1)[-1]
    if not adapter.startswith(_HUB) or method not in METHODS:
        return None
    chosen = recipe(method)
    counted = _on_base(method, base) if base["parameters"] else {"parameters": None, "sites": [], "unit": None}
    return {
        "explained": explain_method(method, chosen.options),
        "method": method,
        "options": chosen.options,
        "where": "Astraios's recipe (`methods/astraios.toml`) on that configuration, by `astrarium.methods.count`",
        **counted,
    }


def _on_base(method: str, base: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters, and the sites of one block with their shapes."""
    from astrarium.families import family_of
    from astrarium.methods import count_parameters, recipe

    config = base["config"]
    count = next(count for count in count_parameters(config) if count.method == method)
    targets = recipe(method).targets(config) if recipe(method).sites else ()
    linears = family_of(config).linears(config)
    sites = [linear for linear in linears if ".0." in linear.path and targets and linear.path.endswith(targets)]
    total = sum(1 for linear in linears if targets and linear.path.endswith(targets))
    return {"parameters": count.trained, "share": count.share, "sites": sites, "unit": total}


def prompt_facts(prompt: str | None, base: str) -> dict[str, Any] | None:
    """The prompt, token by token: by the base's own tokenizer where it is on this machine, else by the default's."""
    from astrarium.text import tokens

    if prompt is None:
        return None
    question = re.sub(r"^Question:\s*|\s*Answer:$", "", prompt)
    facts = {
        "prompt": prompt,
        "template": prompt.startswith("Question: ") and prompt.endswith("\n\nAnswer:"),
        "asked": shlex.quote(question),
    }
    own = base == "default" or Path(base).exists()
    try:
        table = tokens(prompt, base if own else "default")
    except AstrariumError as error:
        return {**facts, "row": None, "why": str(error), "own": own}
    return {**facts, "row": table.rows[0], "why": "", "own": own, "vocabulary": table.vocabulary}
