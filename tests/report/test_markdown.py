"""Markdown that GitHub reads as it is meant: anchors, escapes, fences, tables of contents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from astrarium.report import markdown

_words = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Use it", "use-it"),
        ("🚀 Use it", "-use-it"),
        ("Line 9: `PeftModel.from_pretrained`", "line-9-peftmodelfrom_pretrained"),
        ("What was checked, and what was not", "what-was-checked-and-what-was-not"),
        ("a--b  c", "a--b--c"),
        ("Größe & *Maß*", "größe--maß"),
        ("[a link](https://example.org)", "a-link"),
    ],
)
def test_anchors_are_github_s(heading: str, anchor: str) -> None:
    assert markdown.slug(heading) == anchor


def test_a_second_heading_of_one_name_gets_a_number_and_code_has_none() -> None:
    document = "# T\n\n## A\n\n```sh\n## not one\n```\n\n## A\n\n### B\n"
    assert [h.anchor for h in markdown.headings(document)] == ["t", "a", "a-1", "b"]
    assert markdown.contents(document) == "- [A](#a)\n- [A](#a-1)\n  - [B](#b)"


@given(_words)
def test_somebody_s_words_read_as_they_are(words: str) -> None:
    shown = MarkdownIt("commonmark", {"html": True}).render(f"x {markdown.text(words)} x")
    inner = shown.removeprefix("<p>").removesuffix("</p>\n")
    assert "<" not in inner
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        inner = inner.replace(entity, character)
    assert inner == f"x {' '.join(words.split())} x"


@given(_words)
def test_code_is_kept_letter_for_letter(words: str) -> None:
    tokens = MarkdownIt("commonmark").parseInline(f"x{markdown.code(words)}x")[0].children or []
    spans = [token.content for token in tokens if token.type == "code_inline"]
    assert spans == [" ".join(words.split())] or not words.split()


@given(st.text("`~a\n", max_size=40))
def test_a_fence_holds_any_code(content: str) -> None:
    blocks = [t for t in MarkdownIt("commonmark").parse(markdown.fence(content)) if t.type == "fence"]
    assert len(blocks) == 1
    assert blocks[0].content.rstrip("\n") == content.rstrip("\n")


def test_our_own_words_keep_their_code_spans() -> None:
    assert markdown.prose("`generate` is [x] given") == "`generate` is \\[x\\] given"


def test_a_table_s_cells_keep_their_bars() -> None:
    table = markdown.table(["a", "b"], [["x | y", "`p|q`"]], "lr")
    assert table.splitlines()[1] == "| --- | --: |"
    rendered = MarkdownIt("commonmark").enable("table").render(table)
    assert "<td>x | y</td>" in rendered
    assert "<code>p|q</code>" in rendered
