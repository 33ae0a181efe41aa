"""`read`: from a script to its calls, its findings and its mended copy."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import libcst as cst

from astrarium.core.errors import ExplainError
from astrarium.explain.context import Context
from astrarium.explain.depth import check, with_room
from astrarium.explain.flow import Flow
from astrarium.explain.index.library import PACKAGES, library
from astrarium.explain.mending import Edit, apply, fitted
from astrarium.explain.reading import SEVERITIES, Argument, Call, Finding, Reading
from astrarium.explain.repair import Broken, Repaired, repaired
from astrarium.explain.rules.registry import Found, Rule, all_rules
from astrarium.explain.source import Script, open_script, script_of
from astrarium.explain.tree import Tree
from astrarium.explain.values import constant

_ROUNDS = 10
"""Of mending: a mend may make another place plain; ten are more than any script has needed."""
_IGNORE = re.compile(r"#\s*astrarium:\s*ignore(?:\[([\w\s,-]*)\])?")
_ABOUT = re.compile(r"\b(?:transformers|peft|trl|huggingface_hub|unsloth|torch|joblib|pickle)\b")


def read(source: str | Path, *, mend: bool = True) -> Reading:
    """Read a script without running it.

    Args:
        source: a path, or the code itself: text with a line break, or one that names no file, is code.
        mend: whether to make the mended copy, which takes about as long again.

    Raises:
        ExplainError: the file cannot be read, is no text, or is no Python and no notebook.
    """
    if isinstance(source, Path) or ("\n" not in source and _names_a_file(source)):
        return _read(open_script(Path(source)), mend)
    return read_text(source, mend=mend)


def read_text(text: str, name: str = "<text>", *, mend: bool = True) -> Reading:
    """Read code, or a notebook's JSON.

    Args:
        text: the code.
        name: what it is called in what is printed.
        mend: whether to make the mended copy.

    Raises:
        ExplainError: it is no text, or no notebook where its name says so.
    """
    return _read(script_of(text, name), mend)


def _names_a_file(source: str) -> bool:
    return source.endswith((".py", ".ipynb")) or (len(source) < 1000 and Path(source).is_file())


def _read(script: Script, mend: bool) -> Reading:
    if not script.code.strip():
        return _silent(script, "there is no code in it: nothing to check")
    check(script.code, script.name)
    try:
        return with_room(lambda: _analysed(script, mend))
    except RecursionError:
        raise ExplainError(f"{script.name} is nested too deeply to be read") from None


def _silent(script: Script, note: str) -> Reading:
    return Reading(
        script.name, script.code, mended=script.original, original=script.original, notes=(note,), path=script.path
    )


def _analysed(script: Script, mend: bool) -> Reading:
    made = repaired(script.code)
    if isinstance(made, Broken):
        if not _ABOUT.search(script.code) and not re.search(
            r"^\s*(?:import|from|def|class)\s", script.code, re.MULTILINE
        ):
            raise ExplainError(
                f"{script.name} is no Python: line {made.line}: {made.reason}; expected a script or a notebook"
            )
        return _broken(script, made)
    context = _context(script, made)
    found = _found(context)
    notes = _notes(script, context)
    mended = _mended(script, made.text, context, found) if mend else script.original
    findings = tuple(_finding(script, context, rule, one) for rule, one in found)
    kept = sorted(
        {(one.id, one.line, one.cell, one.message): one for one in findings}.values(),
        key=lambda one: (one.cell or 0, one.line, SEVERITIES.index(one.severity), one.id),
    )
    return Reading(
        name=script.name,
        text=script.shown(script.code),
        calls=_calls(script, context),
        findings=tuple(kept),
        mended=mended,
        original=script.original,
        notes=tuple(notes),
        libraries={name: one.release for name in PACKAGES if (one := library(name)) is not None},
        path=script.path,
    )


def _context(script: Script, made: Repaired) -> Context:
    return Context(script, Flow(Tree(made.text, made.module)), made.repairs, made.lines)


def _found(context: Context) -> list[tuple[Rule, Found]]:
    """What every rule finds, without what the script asks to ignore."""
    lines = context.text.split("\n")
    found: dict[tuple[str, int, str], tuple[Rule, Found]] = {}
    for rule in all_rules():
        for one in rule.check(context):
            first, last = _lines(context, one)
            if not _ignored(lines, rule.id, first, last):
                one = replace(one, edits=fitted(context.tree, one.edits)) if one.edits else one
                found.setdefault((rule.id, first, one.message), (rule, one))
    return list(found.values())


def _lines(context: Context, one: Found) -> tuple[int, int]:
    if isinstance(one.node, int):
        return one.node, one.node
    return context.tree.line(one.node), context.tree.last_line(one.node)


def _ignored(lines: list[str], id: str, first: int, last: int) -> bool:
    for line in lines[first - 1 : last]:
        mark = _IGNORE.search(line)
        if mark and (mark.group(1) is None or id in re.split(r"[\s,]+", mark.group(1).strip())):
            return True
    return False


def _finding(script: Script, context: Context, rule: Rule, one: Found) -> Finding:
    first, last = _lines(context, one)
    repair = rule.id == "syntax-error"
    first, last = (first, last) if repair else (context.original(first), context.original(last))
    line, cell = script.place(first)
    column = 1 if isinstance(one.node, int) else context.tree.column(one.node)
    return Finding(
        id=rule.id,
        severity=one.severity or rule.severity,
        line=line,
        message=one.message,
        why=one.why or rule.why,
        mend=one.mend,
        end_line=line + last - first,
        column=column,
        cell=cell,
        fixable=bool(one.edits) or repair,
        code=script.shown_line(first),
    )


def _mended(script: Script, text: str, context: Context, found: list[tuple[Rule, Found]]) -> str:
    """The code with everything mended that has a plain mend; every round is read anew, until nothing is left."""
    seen = {text}
    for _ in range(_ROUNDS):
        groups = [one.edits for _, one in found if one.edits and not _spoils_unpacking(context, one.edits)]
        new = _whole(text, groups)
        if new in seen:
            break
        seen.add(new)
        text = new
        context = Context(script, Flow(Tree(text)))
        found = _found(context)
    return script.written(text)


def _spoils_unpacking(context: Context, edits: tuple[Edit, ...]) -> bool:
    """Whether an edit would put something else in the place of a `**` argument: what it is about is said elsewhere."""
    unpacked = {
        context.tree.span(node)
        for event in context.events
        for argument in event.node.args
        if argument.star
        for node in (argument, argument.value)
    }
    return any((edit.start, edit.end) in unpacked for edit in edits)


def _whole(text: str, groups: list[tuple[Any, ...]]) -> str:
    """Apply what leaves the script whole."""
    new = apply(text, groups)
    if _parses(new):
        return new
    for group in groups:
        one = apply(text, [group])
        if _parses(one):
            return one
    return text


def _parses(text: str) -> bool:
    try:
        cst.parse_module(text)
    except cst.ParserSyntaxError:
        return False
    return True


def _notes(script: Script, context: Context) -> list[str]:
    notes = []
    used = context.flow.modules & {"transformers", "peft", "trl", "unsloth", "accelerate", "sentence_transformers"}
    if not used:
        notes.append("it imports neither transformers nor peft: only the rules that need neither were checked")
    notes += [f"{name} is not installed here: what its current version has was not checked"
              for name in sorted(used & set(PACKAGES)) if library(name) is None]  # fmt: skip
    if context.flow.cut:
        notes.append("the script is too large to be followed to its end; what comes late was not checked")
    if script.masks:
        notes.append(f"{len(script.masks)} lines for the notebook (% and !) were left as they are")
    return notes


def _broken(script: Script, made: Broken) -> Reading:
    line, cell = script.place(made.line)
    rule = next(one for one in all_rules() if one.id == "syntax-error")
    finding = Finding(
        "syntax-error", "error", line, f"the script does not parse: {made.reason}", rule.why,
        "mend this line by hand; what was meant is not plain", line, cell=cell, code=script.shown_line(made.line),
    )  # fmt: skip
    above = tuple(
        Finding(
            "syntax-error", "error", script.place(at)[0], message, rule.why, mend, script.place(at)[0],
            cell=script.place(at)[1], code=script.shown_line(at),
        )
        for at, message, mend in made.repairs
    )  # fmt: skip
    return Reading(
        script.name, script.shown(script.code), findings=(*above, finding),
        mended=script.original, original=script.original,
        notes=("nothing else was checked: the script does not parse",), path=script.path,
        libraries={name: one.release for name in PACKAGES if (one := library(name)) is not None},
    )  # fmt: skip


def _calls(script: Script, context: Context) -> tuple[Call, ...]:
    found: dict[int, Call] = {}
    for event in context.events:
        if id(event.node) in found or not event.name:
            continue
        first, last = (
            context.original(one) for one in (context.tree.line(event.node), context.tree.last_line(event.node))
        )
        line, cell = script.place(first)
        found[id(event.node)] = Call(
            name=event.name,
            line=line,
            end_line=line + last - first,
            source=context.code(event.node),
            arguments=tuple(
                Argument(
                    one.name,
                    context.code(one.node.value),
                    constant(one.value) if isinstance(constant(one.value), str | int | float | bool) else None,
                )
                for one in event.arguments
            ),
            assigned=event.target,
            cell=cell,
        )
    return tuple(sorted(found.values(), key=lambda call: (call.cell or 0, call.line, call.end_line)))
