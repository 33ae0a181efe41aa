"""The article of a script: what each line does, what goes wrong and why, the mended script, what the sources say."""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import CorruptFileError
from astrarium.explain.article_bases import method_facts, prompt_facts
from astrarium.explain.article_library import InstalledLibraries
from astrarium.explain.article_notebooks import HEADING, as_script
from astrarium.explain.article_steps import told_steps
from astrarium.explain.reading import Finding, Reading
from astrarium.report.article import Article
from astrarium.report.citations import Source, quoting, read_sources
from astrarium.report.claims import check_claims
from astrarium.report.figures import Figure, bars
from astrarium.report.flow_figure import Step, flow
from astrarium.report.run_article import base_facts

if TYPE_CHECKING:
    from astrarium.report.terminal import Recording

_HEADLINES = {
    "adapter-lost": "The script throws its adapter away",
    "syntax-error": "As it stands, it does not even parse",
    "adapter-method-unknown": "Stock peft does not know the adapter's method",
}
_STOPPING = ("syntax-error", "adapter-method-unknown")
"""With these a script does not come as far as its answer."""
_MODELS = ("transformers.Auto", "peft.", "transformers.PreTrainedModel.to", "transformers.GenerationMixin")


def article_of_script(
    reading: Reading,
    *,
    stem: str = "article",
    sources: Sequence[str | Path] = (),
    base_config: str | Path | None = None,
    recording: Recording | None = None,
    recorded_by: str = "",
    quotes: Sequence[str] = (),
) -> Article:
    """Write the article of a script that was read.

    Args:
        reading: the script.
        stem: the name that the article's pictures begin with.
        sources: saved search results, pages and answers to cite and to check.
        base_config: the `config.json` of the script's base, where the base itself is not at hand.
        recording: a terminal's recording to show.
        recorded_by: the command that made it, for the reader.
        quotes: words of the sources to quote, letter for letter.

    Raises:
        ReportError: a source that cannot be read, or a quotation that no source has letter for letter.
        CorruptFileError: a configuration that is no JSON object.
    """
    reading = as_script(reading)
    base = _base(reading, base_config)
    reading = replace(reading, findings=tuple(_anywhere(finding, reading, base) for finding in reading.findings))
    libraries = InstalledLibraries()
    cited = read_sources(sources)
    told = [step for step in told_steps(reading, libraries, cited) if not HEADING.fullmatch(step.code.strip())]
    article = Article(stem)
    adapter = _loaded(reading, "peft.PeftModel.from_pretrained", 1)
    method = method_facts(adapter, base)
    claims = check_claims(cited, libraries, _own_names(reading))
    if recording is not None:
        from astrarium.report.terminal import animated

        alt = "A terminal: " + "; ".join(line for line in _plain(recording) if line)
        article.assets[f"{stem}-terminal.svg"] = animated(recording, alt[:600])
    return article.render(
        "script.md.j2",
        reading=reading,
        name=Path(reading.name).name,
        told=told,
        base=base,
        adapter=adapter,
        method=method,
        prompt=prompt_facts(_prompt(reading), base["name"]),
        flow=_flow(reading),
        memory=_memory(base, reading),
        loads=_loads(reading),
        claims=claims,
        sources=cited,
        used={number for step in told for number in step.cited} | {n for claim in claims for n in claim.sources},
        headlines=[_HEADLINES[f.id] for f in _gravest(reading) if f.id in _HEADLINES],
        diff=_diff(reading),
        recording=recording,
        recorded_by=recorded_by,
        ids={finding.id: finding.line for finding in reversed(reading.findings)},
        parses=_parses(reading.mended),
        quotes=_quoted(quotes, cited),
        omitted=_omitted(reading, cited),
    )


def _anywhere(finding: Finding, reading: Reading, base: Mapping[str, Any]) -> Finding:
    """A finding as an article has it, which is read on other machines and has the base's own figures."""
    message, why = re.sub(r"; this machine has \d+ GB", "", finding.message), finding.why
    if finding.id == "fp32-large-model" and base["parameters"]:  # the rule knows the size from the name alone
        held = [f"{base['bytes'][kind] / 1e9:,.2f} GB" for kind in ("fp32", "bf16")]
        message = re.sub(r": [\d,]+ GB, against [\d,]+ GB in bf16", f": {held[0]}, against {held[1]} in bf16", message)
    if finding.id == "adapter-lost" and any(other.id in _STOPPING for other in reading.findings):
        why = "Once the script runs at all, nothing warns of this, and its answers come from the base alone."
    return replace(finding, message=message, why=why)


def _omitted(reading: Reading, sources: Sequence[Source]) -> dict[int, dict[str, list[int]]]:
    """Of each line with an error: which answers show it in their code, and which show other lines and leave it out."""
    lines = [line.strip() for line in reading.text.splitlines()]
    shown: dict[int, dict[str, list[int]]] = {}
    for finding in reading.errors:
        told: dict[str, list[int]] = {"shown": [], "left_out": []}
        for source in sources:
            code = source.code_lines()
            spans = " ".join(passage.text for passage in source.passages)
            if source.kind == "answer" and (lines[finding.line - 1] in code or f"`{lines[finding.line - 1]}`" in spans):
                told["shown"].append(source.number)
            elif source.kind == "answer" and len(code & set(lines)) >= 4:
                told["left_out"].append(source.number)
        shown[finding.line] = told
    return shown


def _gravest(reading: Reading) -> list[Any]:
    order = list(_HEADLINES)
    return sorted(reading.errors, key=lambda f: order.index(f.id) if f.id in order else len(order))


def _base(reading: Reading, config: str | Path | None) -> dict[str, Any]:
    name = _loaded(reading, "transformers.AutoModelForCausalLM.from_pretrained", 0) or ""
    if config is None:
        return base_facts(name)
    try:
        content = json.loads(Path(config).read_text(encoding="utf-8"))
    except ValueError as error:
        raise CorruptFileError(f"{config} is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise CorruptFileError(f"{config} is no JSON object; expected a config.json")
    return base_facts(name, content, f"the configuration in `{Path(config).name}`, given with the article")


def _loaded(reading: Reading, call: str, position: int) -> str | None:
    """The name that a call loads, where the reading knows it."""
    for found in reading.calls:
        if found.name == call:
            values = [argument.value for argument in found.arguments if argument.name is None]
            if position < len(values) and isinstance(values[position], str):
                return str(values[position])
    return None


def _loads(reading: Reading) -> list[int]:
    """The lines on which the base is loaded."""
    return [call.line for call in reading.calls if re.search(r"\.AutoModel\w*\.from_pretrained$", call.name)]


def _prompt(reading: Reading) -> str | None:
    """The text that the script encodes first."""
    for call in reading.calls:
        if call.name.endswith((".encode", ".__call__")) and call.arguments:
            value = call.arguments[0].value
            if isinstance(value, str):
                return value
    return None


def _flow(reading: Reading) -> tuple[str, Figure] | None:
    steps: dict[int, Step] = {}
    for call in reading.calls:
        if not call.name.startswith(("transformers.", "peft.", "torch.")):
            continue
        statement = _statement(reading, call.line, call.end_line)
        assigned = re.match(r"\s*(\w+)\s*=[^=]", statement)
        known = steps.get(call.line)
        label = ".".join(call.name.split(".")[-2:]).removeprefix("GenerationMixin.").removeprefix("Tensor.")
        label = label.removeprefix("PreTrainedTokenizerBase.").removeprefix("PreTrainedModel.")
        if known is not None:
            label = known.label  # the first call of a line names it
        model = known.model if known else call.name.startswith(_MODELS) and "AutoTokenizer" not in call.name
        adapter = call.name.startswith("peft.") or bool(known and known.adapter)
        steps[call.line] = Step(call.line, label, statement, assigned[1] if assigned else None, model, adapter)
    ordered = [steps[line] for line in sorted(steps)]
    return flow(ordered) if len(ordered) >= 2 else None


def _statement(reading: Reading, first: int, last: int) -> str:
    return "\n".join(reading.text.splitlines()[first - 1 : last])


def _memory(base: Mapping[str, Any], reading: Reading) -> Figure | None:
    if not base["parameters"]:
        return None
    values = [(kind, size / 1e9) for kind, size in base["bytes"].items()]
    return bars(
        values, x="GB of weights", unit=" GB",
        alt="Weights of the base: " + ", ".join(f"{size:.1f} GB in {kind}" for kind, size in values) + ".",
    )  # fmt: skip


def _quoted(quotes: Sequence[str], sources: Sequence[Source]) -> list[tuple[str, Source, int]]:
    """Each quotation with its source and the line where the passage begins."""
    found = []
    for words in quotes:
        source = quoting(words, sources)
        found.append((words, source, source.line_of(words)))
    return found


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _own_names(reading: Reading) -> frozenset[str]:
    """Names that the script gives to things of its own."""
    return frozenset(re.findall(r"^\s*(\w+)\s*=[^=]", reading.text, re.MULTILINE))


def _diff(reading: Reading) -> str:
    before, after = reading.original or reading.text, reading.mended
    name = Path(reading.name).name
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name}, mended", lineterm="", n=2)
    return "\n".join(lines)


def _plain(recording: Recording) -> list[str]:
    from rich.text import Text

    from astrarium.report.terminal import shown_lines

    return [Text.from_ansi(line).plain.strip() for _, line in shown_lines(recording)]
