"""The index of one installed package, made by reading its sources with griffe. Nothing of the package is imported."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

FORMAT = 15
"""Of the index; part of its file's name, so that an index of an older astrarium is made again."""

_DUNDER_ALL = re.compile(r"^__all__\s*\+?=\s*(\[[^\]]*\])", re.MULTILINE)
_LINEAR = re.compile(r"self\.(\w+)\s*=\s*[\w.]*[A-Z]\w*[(\[]")
_REBOUND = re.compile(r"^class (\w+)\((\w+)\):", re.MULTILINE)
_POPPED = re.compile(r"kwargs\.(?:pop|get)\(\s*\"(\w+)\"")
_RENAMED = re.compile(r"`(\w+)`(?: argument)? is deprecated[^`\n]{0,80}?[Uu]se `(\w+)`")
_ENUMERATIONS = (
    ("utils/generic.py", "TensorType"), ("utils/generic.py", "PaddingStrategy"), ("utils/peft_types.py", "PeftType"),
    ("utils/peft_types.py", "TaskType"), ("training_args.py", "OptimizerNames"), ("trainer_utils.py", "SchedulerType"),
    ("trainer_utils.py", "IntervalStrategy"), ("trainer_utils.py", "SaveStrategy"), ("trainer_utils.py", "HubStrategy"),
    ("tokenization_utils_base.py", "TruncationStrategy"),
)  # fmt: skip
_KINDS = {
    "positional-only": "positional",
    "positional or keyword": "any",
    "variadic positional": "*",
    "keyword-only": "keyword",
    "variadic keyword": "**",
}


def build(package: str, root: Path, release: str) -> dict[str, Any]:
    """Read a package.

    Args:
        package: its name, `transformers` or `peft`.
        root: its folder.
        release: its version, noted in the index.
    """
    objects: dict[str, dict[str, Any]] = {}
    renamed: dict[str, dict[str, str]] = {}
    for file in _files(package, root):
        module = ".".join((package, *file.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        text = file.read_text(encoding="utf-8", errors="replace")
        try:
            visited = griffe.visit(module, file, text)
        except (SyntaxError, ValueError, RecursionError):
            continue  # a file of another Python's; its names stay unknown
        lines = text.splitlines()
        for path, described in _objects(visited):
            objects[path] = _described(described, lines, f"{package}/{file.relative_to(root).as_posix()}")
        for found in _REBOUND.finditer(text):
            # a class whose name is bound again below it, as the Auto classes are
            line = text.count("\n", 0, found.start()) + 1
            objects.setdefault(
                f"{module}.{found[1]}",
                {"file": f"{package}/{file.relative_to(root).as_posix()}", "line": line, "summary": "",
                 "bases": [found[2]], "members": []},
            )  # fmt: skip
        found_renames = dict(_RENAMED.findall(text))
        if found_renames:
            renamed[module] = found_renames
    return {
        "format": FORMAT,
        "package": package,
        "release": release,
        "exports": sorted(_exports(package, root)),
        "objects": objects,
        "renamed": renamed,
        "linears": _linears(root),
        "tasks": _tasks(root),
        "constants": _member_names(root),
        "checked": _checked(root),
        "sides": _sides(root),
    }


def _files(package: str, root: Path) -> Iterator[Path]:
    """All of a small package; of transformers everything but the single models, which are thousands of files."""
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).parts
        if package != "transformers" or parts[0] != "models" or parts[1:2] == ("auto",):
            yield file


def _objects(module: griffe.Module) -> Iterator[tuple[str, griffe.Class | griffe.Function]]:
    for member in module.members.values():
        if isinstance(member, griffe.Function):
            yield member.path, member
        elif isinstance(member, griffe.Class):
            yield member.path, member
            for inner in member.members.values():
                if isinstance(inner, griffe.Function):
                    yield inner.path, inner


def _described(found: griffe.Class | griffe.Function, lines: list[str], file: str) -> dict[str, Any]:
    described: dict[str, Any] = {"file": file, "line": found.lineno or 1, "summary": _summary(found)}
    if isinstance(found, griffe.Function):
        described["parameters"] = [_parameter(parameter) for parameter in found.parameters]
        body = "\n".join(lines[(found.lineno or 1) - 1 : found.endlineno or 0])
        popped = sorted(set(_POPPED.findall(body)))
        if popped:
            described["popped"] = popped
        if any("overload" in str(decorator.value) for decorator in found.decorators):
            described["overload"] = True
        return described
    described["bases"] = [str(base).split("[")[0].rsplit(".", 1)[-1] for base in found.bases]
    described["members"] = [name for name in found.members if not name.startswith("__")]
    if any("dataclass" in str(decorator.value) for decorator in found.decorators):
        described["fields"] = [
            {"name": name, "kind": "any", "default": None if member.value is None else _short(str(member.value))}
            for name, member in found.members.items()
            if isinstance(member, griffe.Attribute)
            and member.annotation is not None
            and "ClassVar" not in str(member.annotation)
            and "init=False" not in str(member.value)
            and "property" not in member.labels
        ]
    return described


def _parameter(parameter: griffe.Parameter) -> dict[str, Any]:
    kind = _KINDS[parameter.kind.value] if parameter.kind is not None else "any"
    default = None if parameter.default is None or kind in ("*", "**") else _short(str(parameter.default))
    return {"name": parameter.name.lstrip("*"), "kind": kind, "default": default}


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def _summary(found: griffe.Class | griffe.Function) -> str:
    if found.docstring is None:
        return ""
    for paragraph in inspect.cleandoc(found.docstring.value).split("\n\n"):
        text = " ".join(paragraph.split())
        if text and not text.startswith(("<", "[[", "Args:", "```")):
            return text[:400]
    return ""


def _exports(package: str, root: Path) -> set[str]:
    """Names that `from package import …` finds."""
    tree = ast.parse((root / "__init__.py").read_text(encoding="utf-8"))
    names = {file.stem if file.is_file() else file.name for file in root.iterdir() if not file.name.startswith("__")}
    names.add("__version__")
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
            names.update(name for part in ast.walk(node) if (name := _name_in(part)))
            names.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    if package == "transformers":
        for file in root.glob("models/*/*.py"):
            for listed in _DUNDER_ALL.findall(file.read_text(encoding="utf-8", errors="replace")):
                names.update(re.findall(r"\"(\w+)\"", listed))
        # tokenizers without a class of their own get another's that is converted alike
        names.update(re.findall(r"^    \"(\w+Tokenizer)\": ", _read(root / "convert_slow_tokenizer.py"), re.MULTILINE))
        names.update(re.findall(r"^class (\w+)", _read(root / "utils/dummy_pt_objects.py"), re.MULTILINE))
    return {name for name in names if name.isidentifier()}


def _name_in(node: ast.AST) -> str:
    """A name that a literal spells; empty where it spells none."""
    spelt = node.value if isinstance(node, ast.Constant) else None
    return spelt if isinstance(spelt, str) and spelt.isidentifier() else ""


def _linears(root: Path) -> dict[str, list[str]]:
    """`model_type` folder → attribute names of its modules."""
    found: dict[str, list[str]] = {}
    for file in sorted(root.glob("models/*/modeling_*.py")):
        names = set(_LINEAR.findall(file.read_text(encoding="utf-8", errors="replace")))
        if names:
            found[file.parent.name] = sorted(names.union(found.get(file.parent.name, ())))
    return found


def _tasks(root: Path) -> list[str]:
    """Tasks and aliases that `pipeline()` knows."""
    text = _read(root / "pipelines/__init__.py")
    tables = re.findall(r"^(?:SUPPORTED_TASKS|TASK_ALIASES)[^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    return sorted({name for table in tables for name in re.findall(r"^    \"([\w-]+)\":", table, re.MULTILINE)})


def _member_names(root: Path) -> dict[str, list[str]]:
    """Of the enumerations that arguments are checked against: their values."""
    found: dict[str, list[str]] = {}
    for file, name in _ENUMERATIONS:
        body = re.search(rf"^class {name}\b.*?(?=^class |\Z)", _read(root / file), re.MULTILINE | re.DOTALL)
        if body:
            found[name] = re.findall(r"^    [A-Z_0-9]+ = \"(\w+)\"", body.group(), re.MULTILINE)
    return found


def _checked(root: Path) -> dict[str, str]:
    """Argument of `TrainingArguments` → the enumeration that its value is turned into."""
    found = re.findall(r"^ +self\.(\w+) = ([A-Z]\w+)\(self\.(\w+)\)$", _read(root / "training_args.py"), re.MULTILINE)
    return {name: kind for name, kind, same in found if name == same}


def _sides(root: Path) -> dict[str, str]:
    """Tokenizer classes that pad on another side than the right, and the model types that they belong to."""
    found: dict[str, str] = {}
    for file in sorted(root.glob("models/*/tokenization_*.py")):
        for name, body in re.findall(r"^class (\w+)(.*?)(?=^class |\Z)", _read(file), re.MULTILINE | re.DOTALL):
            side = re.search(r"^    padding_side(?:: str)? = \"(\w+)\"", body, re.MULTILINE)
            if side and side[1] != "right":
                found[name] = found[file.parent.name] = side[1]
    listed = _read(root / "models/auto/tokenization_auto.py").partition("TOKENIZER_MAPPING_NAMES = ")[2]
    entries = re.split(r"^        \(", listed.partition("\n)\n")[0], flags=re.MULTILINE)
    for entry in entries:
        kind = re.match(r"\s*\"([\w-]+)\"", entry)
        sides = {found[name] for name in re.findall(r"\"(\w+)\"", entry) if name in found}
        if kind and len(sides) == 1:
            found[kind[1]] = sides.pop()
    return found


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
