"""Scripts written anew in the forms that people give them: the same calls in classes, functions, dicts and settings."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

Name = Callable[[str], str]


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: set[str], new: Name) -> None:
        self.names, self.new = names, new

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.names:
            return node
        made = ast.parse(self.new(node.id), mode="eval").body
        made.ctx = node.ctx  # type: ignore[attr-defined]
        return made

    def _within(self, node: ast.AST, own: set[str]) -> ast.AST:
        before, self.names = self.names, self.names - own
        self.generic_visit(node)
        self.names = before
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._within(node, {one.arg for one in node.args.args})

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> ast.AST:
        return self._within(node, {name for one in node.generators for name in _bound([one.target])})

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


class _Settings(ast.NodeTransformer):
    """Takes constants out of the calls."""

    def __init__(self, new: Name) -> None:
        self.new, self.taken = new, {}  # type: tuple[Name, dict[str, ast.Constant]]

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        for keyword in node.keywords:
            value = keyword.value
            if keyword.arg and isinstance(value, ast.Constant) and type(value.value) in (str, int, float):
                name = f"{keyword.arg}_{len(self.taken)}"
                self.taken[name] = value
                keyword.value = ast.parse(self.new(name), mode="eval").body
        return node


def _bound(nodes: list[ast.AST]) -> list[str]:
    found = (one for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name))
    return list(dict.fromkeys(one.id for one in found if isinstance(one.ctx, ast.Store)))


def _code(statements: list[ast.stmt], indent: int = 0) -> str:
    lines = [line for one in statements for line in ast.unparse(one).split("\n")]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def _renamed(statements: list[ast.stmt], names: list[str], new: Name) -> list[ast.stmt]:
    change = _Renamed(set(names), new)
    return [ast.fix_missing_locations(change.visit(copy.deepcopy(one))) for one in statements]


def _parts(text: str) -> tuple[str, list[ast.stmt], list[ast.stmt], list[str], list[str]] | None:
    """Imports, what makes the models, what asks them, the names that the first binds, and those the second reads."""
    body = ast.parse(text).body
    heads = [one for one in body if isinstance(one, ast.Import | ast.ImportFrom)]
    rest = [one for one in body if one not in heads]
    if any(isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) for one in rest):
        return None
    if any(isinstance(one, ast.Return) or "__name__" in ast.unparse(one) for one in rest):
        return None
    works = ("generate(", "train(", "for ", "pipe(", "return_tensors")
    cut = next((i for i, one in enumerate(rest) if any(work in ast.unparse(one) for work in works)), 0)
    first, second = rest[:cut], rest[cut:]
    names = _bound(list(first))
    used = {one.id for node in second for one in ast.walk(node) if isinstance(one, ast.Name)}
    handed = [name for name in names if name in used]
    return (_code(heads), first, second, names, handed) if handed else None


def forms(text: str) -> Iterator[tuple[str, str]]:
    """The script in each form: its name, and the code. Nothing for one that has functions of its own."""
    parts = _parts(text)
    if parts is None:
        return
    head, first, second, names, handed = parts
    own = "self.{}".format
    begin, run = _code(_renamed(first, names, own), 8), _code(_renamed(second, names, own), 8)
    listed, made = ", ".join(handed) + ",", f"def setup():\n{_code(first, 4)}"
    yield "class", f"{head}class App:\n    def __init__(self):\n{begin}    def run(self):\n{run}App().run()\n"
    yield (
        "class that nobody makes",
        f"{head}class App:\n    def __init__(self):\n{begin}    async def run(self):\n{run}",
    )
    yield (
        "class entered",
        (
            f"{head}class App:\n    def __enter__(self):\n{begin}        return self\n    def run(self):\n{run}"
            "with App() as app:\n    app.run()\n"
        ),
    )
    yield (
        "subclass",
        (
            f"{head}class Base:\n    def __init__(self):\n{begin}class App(Base):\n    def __init__(self):\n"
            f"        super().__init__()\n    def run(self):\n{run}App().run()\n"
        ),
    )
    of_class = "cls.{}".format
    yield (
        "class methods",
        (
            f"{head}class App:\n    @classmethod\n    def load(cls):\n{_code(_renamed(first, names, of_class), 8)}"
            f"    @classmethod\n    def run(cls):\n{_code(_renamed(second, names, of_class), 8)}App.load()\nApp.run()\n"
        ),
    )
    yield "tuple", f"{head}{made}    return {listed}\ndef main():\n    {listed} = setup()\n{_code(second, 4)}main()\n"
    packed = _code(_renamed(second, handed, lambda name: f"pack['{name}']"), 4)
    items = ", ".join(f"'{name}': {name}" for name in handed)
    yield "dict", f"{head}{made}    return {{{items}}}\ndef main():\n    pack = setup()\n{packed}main()\n"
    packed = _code(_renamed(second, handed, lambda name: f"pack.{name}"), 4)
    fields = "".join(f"    {name}: object\n" for name in handed)
    yield (
        "dataclass",
        (
            f"{head}from dataclasses import dataclass\n@dataclass\nclass Pack:\n{fields}"
            f"{made}    return Pack({listed})\n"
            f"def main():\n    pack = setup()\n{packed}main()\n"
        ),
    )
    yield "arguments", f"{head}def run({listed}):\n{_code(second, 4)}{_code(first)}run({listed})\n"
    yield "star", f"{head}def run(*given):\n    {listed} = given\n{_code(second, 4)}{_code(first)}run({listed})\n"
    yield (
        "context manager",
        (
            f"{head}from contextlib import contextmanager\n@contextmanager\n{made}    yield ({listed})\n"
            f"with setup() as ({listed}):\n{_code(second, 4)}"
        ),
    )
    yield from _with_settings(head, [*first, *second])


def _with_settings(head: str, body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    change = _Settings(lambda name: f"args.{name}")
    body = [ast.fix_missing_locations(change.visit(copy.deepcopy(one))) for one in body]
    if not change.taken:
        return
    options = "".join(
        f"    parser.add_argument('--{name}', type={type(one.value).__name__}, default={one.value!r})\n"
        for name, one in change.taken.items()
    )
    yield (
        "argparse",
        (
            f"{head}import argparse\ndef parse():\n    parser = argparse.ArgumentParser()\n{options}"
            f"    return parser.parse_args()\ndef main(args):\n{_code(body, 4)}main(parse())\n"
        ),
    )
    fields = "".join(f"    {name}: {type(one.value).__name__} = {one.value!r}\n" for name, one in change.taken.items())
    yield (
        "settings",
        (
            f"{head}from dataclasses import dataclass\n@dataclass\nclass Settings:\n{fields}"
            f"def main(args):\n{_code(body, 4)}main(Settings())\n"
        ),
    )
