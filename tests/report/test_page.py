"""The HTML page, in Debian's Chromium: both themes, phone width, nothing fetched."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from astrarium.report import article_of
from tests.report.made import make_run

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SHIPPED = Path(__file__).parents[2] / "docs" / "articles" / "astraios-usage.html"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("page")
    article_of(make_run(folder), stem="run").write_html(folder / "run.html")
    return [folder / "run.html", SHIPPED]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("ASTRARIUM_REQUIRE_SHARED") == "1":
            pytest.fail("no chromium; on Debian: apt-get install chromium")
        pytest.skip("no chromium; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


def test_a_page_holds_everything_itself(pages: list[Path]) -> None:
    for path in pages:
        page = path.read_text(encoding="utf-8")
        assert "<script" not in page
        assert not re.findall(r'src(?:set)?="(?!data:)', page)
        assert not re.findall(r"url\((?!data:|#)", page)
        anchors = set(re.findall(r'\bid="([^"]+)"', page))
        assert {target for target in re.findall(r'href="#([^"]+)"', page) if target not in anchors} == set()
        assert "<math" in page
        assert "$$" not in re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 390])
def test_a_page_is_seen_whole(browser: Any, pages: list[Path], theme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    asked: list[str] = []
    for path in pages:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        broken = "[...document.images].filter(i => getComputedStyle(i).display != 'none' && !i.naturalWidth).length"
        assert page.evaluate(broken) == 0
        assert page.evaluate(_CONTRAST) >= 4.5
        broken = (
            "[...document.querySelectorAll('td code:not(.long)')].filter(c => c.getClientRects().length > 1).length"
        )
        assert page.evaluate(broken) == 0
        if width > 1000:  # on a phone wide tables are moved sideways, on a desk nothing is cut off
            cut = "[...document.querySelectorAll('.wide')].filter(w => w.scrollWidth > w.clientWidth).length"
            assert page.evaluate(cut) == 0
        empty = "[...document.querySelectorAll('thead')].filter(h => h.clientHeight && !h.textContent.trim()).length"
        assert page.evaluate(empty) == 0
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == {
            "light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)",
        }[theme]  # fmt: skip
        drawings = page.evaluate(
            "[...document.querySelectorAll('p.drawing')].map("
            "p => [...p.children].filter(i => getComputedStyle(i).display != 'none').map(i => i.className).join())"
        )
        assert set(drawings) == {theme}
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


# The smallest contrast of a text with the page's ground, WCAG 2's formula; the text's own colour in the code apart.
_CONTRAST = """() => {
  const rgb = s => s.match(/\\d+(\\.\\d+)?/g).slice(0, 3).map(Number);
  const lum = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = lum(rgb(getComputedStyle(document.body).backgroundColor));
  return Math.min(...[...document.querySelectorAll('p,li,td,th,h1,h2,h3,summary,a,blockquote')].map(e => {
    const l = lum(rgb(getComputedStyle(e).color));
    return (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05); }));
}"""
