"""TypeScript: as JavaScript, with types."""

from __future__ import annotations

from astrarium.data.languages.javascript import CLASSES, FUNCTIONS, WRAPPERS, body_of, name_of
from astrarium.data.languages.language import Language, block_doc


def grammar(path: str) -> object:
    """The grammar; files with JSX have one of their own, because `<T>x` means something else there."""
    import tree_sitter_typescript

    return tree_sitter_typescript.language_tsx() if path.endswith("x") else tree_sitter_typescript.language_typescript()


LANGUAGE = Language(
    name="typescript",
    title="TypeScript",
    endings=(".ts", ".tsx", ".mts", ".cts"),
    grammar=grammar,
    functions=FUNCTIONS,
    classes=CLASSES,
    wrappers=WRAPPERS,
    leading=frozenset({"decorator"}),
    noise=frozenset({"decorator"}),
    doc=block_doc,
    name_of=name_of,
    body_of=body_of,
)
