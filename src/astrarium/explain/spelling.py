"""What a literal text says."""

from __future__ import annotations

import re

import libcst as cst

_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


def spelt(node: cst.SimpleString) -> str | bytes:
    """The text or bytes that a literal stands for.

    Raises:
        SyntaxError, ValueError: an escape in it is none that Python knows.
    """
    text = node.value
    if text[0] in "\"'" and "\r" not in text:
        quotes = 3 if text[:3] in ('"""', "'''") else 1
        text = text[quotes:-quotes]
        if "\\" not in text:
            return text
        if "\\\n" not in text and all(mark in _ESCAPES for mark in _ESCAPE.findall(text)):
            return _ESCAPE.sub(lambda found: _ESCAPES[found[1]], text)
    return node.evaluated_value  # asks Python's own parser, which costs twenty times as much
