"""An article as one self-contained HTML page, made from its Markdown: pictures and mathematics are in the page."""

from __future__ import annotations

import base64
import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from astrarium.report import markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from astrarium.report.article import Article

_PICTURE = re.compile(r'\b(src|srcset|href)="assets/([^"]+)"')
_TYPES = {"svg": "image/svg+xml", "csv": "text/csv", "cast": "application/x-asciicast", "py": "text/x-python"}
_LONG = re.compile(r"<code>([^<\n]{35,})</code>")
"""Code that may break across lines also in a table: digests, paths."""
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)


def page(article: Article) -> str:
    """The whole page: light or dark as the reader's system has it, at any width; no script, nothing fetched."""
    body = _parser().render(article.markdown, {"drawings": article.drawings})
    body = _PICTURE.sub(lambda match: f'{match[1]}="{_embedded(article, match[2])}"', body)
    body = _LONG.sub(r'<code class="long">\1</code>', body)
    body = _TABLE.sub(lambda match: f'<div class="wide">{match[0]}</div>', body)
    listed = markdown.headings(article.markdown)
    title = re.sub(r"[`*\\]", "", listed[0].text) if listed else article.stem
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data: https:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n<main>\n{body}</main>\n"
        "</body>\n</html>\n"
    )


def _embedded(article: Article, name: str) -> str:
    content = article.assets.get(name)
    if content is None:
        return f"assets/{name}"
    kind = _TYPES.get(name.rpartition(".")[2], "text/plain")
    return f"data:{kind};base64,{base64.b64encode(content.encode()).decode()}"


@cache
def _parser() -> MarkdownIt:
    from latex2mathml.converter import convert
    from markdown_it import MarkdownIt
    from mdit_py_plugins.anchors import anchors_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.gfm import gfm_plugin

    def mathematics(content: str, options: dict[str, Any]) -> str:
        return str(convert(content.strip(), display="block" if options["display_mode"] else "inline"))

    parser = MarkdownIt("commonmark").use(gfm_plugin)
    parser.use(dollarmath_plugin, allow_space=False, renderer=mathematics)
    parser.use(anchors_plugin, min_level=1, max_level=6, slug_func=markdown.slug)
    parser.add_render_rule("fence", _fence)
    return parser


def _fence(self: Any, tokens: Sequence[Token], index: int, options: Any, environment: Any) -> str:
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    token = tokens[index]
    language = token.info.strip().partition(" ")[0]
    if language == "mermaid" and (figure := environment["drawings"].get(token.content.strip())):
        pictures = "".join(
            f'<img class="{theme}" alt="{escape(figure.alt, quote=True)}" src="data:image/svg+xml;base64,'
            f'{base64.b64encode(svg.encode()).decode()}">'
            for theme, svg in (("light", figure.light), ("dark", figure.dark))
        )
        return f'<p class="drawing">{pictures}</p>\n'
    if language == "math":
        from latex2mathml.converter import convert

        return f"<p>{convert(token.content.strip(), display='block')}</p>\n"
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return f'<pre tabindex="0"><code>{escape(token.content)}</code></pre>\n'
    inner = highlight(token.content, lexer, HtmlFormatter(nowrap=True))
    return f'<pre tabindex="0"><code>{inner}</code></pre>\n'


@cache
def _style() -> str:
    from importlib.resources import files

    from pygments.formatters.html import HtmlFormatter

    own = files("astrarium.report").joinpath("templates", "page.css").read_text(encoding="utf-8")
    light = HtmlFormatter(style="friendly").get_style_defs("pre")
    dark = HtmlFormatter(style="github-dark").get_style_defs("pre")
    ground = "pre{background:var(--box)!important;color:var(--ink)}"
    light = re.sub(r"(?m)^pre *\{[^}]*\}$", "", str(light))
    dark = re.sub(r"(?m)^pre *\{[^}]*\}$", "", str(dark))
    return f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{ground}\n"
