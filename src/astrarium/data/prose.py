"""Documentation as an instruction."""

from __future__ import annotations

import re

_END = re.compile(r"\n\s*\n|\n\s*(?:>>>|:\w+|Args:|Parameters\b)")


def first_sentence(doc: str) -> str:
    """The first paragraph as a sentence, without examples and field lists; empty where there is no prose."""
    paragraph = _END.split(doc.strip(), maxsplit=1)[0]
    text = " ".join(paragraph.split())
    if text.startswith((">>>", ":", "@")):
        return ""
    return text if not text or text.endswith((".", "!", "?", ":")) else f"{text}."
