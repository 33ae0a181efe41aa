"""What mkdocs needs help with: mathematics becomes MathML when the site is built, so that no script is fetched."""

from __future__ import annotations

import re
from typing import Any

_DISPLAYED = re.compile(r"^\$\$\n(.+?)\n\$\$$", re.DOTALL | re.MULTILINE)


def on_page_markdown(markdown: str, **kwargs: Any) -> str:
    """Displayed mathematics between lines of `$$`."""
    from latex2mathml.converter import convert

    def shown(match: re.Match[str]) -> str:
        # equations that follow one another would touch
        return str(convert(match[1].strip(), display="block")).replace("<math ", '<math style="margin: 0.7em 0" ', 1)

    return _DISPLAYED.sub(shown, markdown)
