"""Diagrams of boxes and arrows: every arrow of the mermaid text is in the drawing, and none runs through a box."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from astrarium.methods import METHODS, recipe
from astrarium.report.explained import explain_method
from astrarium.report.figures import LIGHT, bars, curves
from astrarium.report.flow_figure import Step, flow

STEPS = [
    Step(1, "AutoTokenizer.from_pretrained", "t = AutoTokenizer.from_pretrained('b')", "t", False),
    Step(2, "AutoModelForCausalLM.from_pretrained", "m = AutoModelForCausalLM.from_pretrained('b')", "m", True),
    Step(3, "encode", "i = t.encode('x')", "i", False),
    Step(4, "generate", "o = m.generate(i)", "o", True),
    Step(5, "decode", "t.decode(o)", None, False),
    Step(6, "generate", "m.generate(i)", None, True),
]


def test_every_arrow_of_the_text_is_drawn_and_none_runs_through_a_box() -> None:
    text, figure = flow(STEPS)
    assert 'n1 -->|"t"| n5' in text
    root = ElementTree.fromstring(figure.light)
    svg = "{http://www.w3.org/2000/svg}"
    boxes = [
        tuple(float(rect.get(key, "0")) for key in ("x", "y", "width", "height")) for rect in root.iter(f"{svg}rect")
    ]
    boxes = [box for box in boxes if box[0]]  # the ground apart
    arrows = [path.get("d", "") for path in root.iter(f"{svg}path") if path.get("marker-end")]
    assert len(arrows) == text.count("-->")
    beside = [path for path in arrows if "H" in path]
    assert len(beside) == 3  # the tokenizer to line 5, the model and the tokens to line 6 from further up
    for path in beside:
        lane, top, bottom = re.fullmatch(r"M[\d.]+ ([\d.]+) H([\d.]+) V([\d.]+) H[\d.]+", path).group(2, 1, 3)  # type: ignore[union-attr]
        through = [
            (x, y) for x, y, wide, high in boxes
            if x <= float(lane) <= x + wide and y < float(bottom) and y + high > float(top)
        ]  # fmt: skip
        assert through == []
    width = float(root.get("width", "0"))
    for label in root.iter(f"{svg}text"):
        assert 0 < float(label.get("x", "0")) < width


@pytest.mark.parametrize("method", METHODS)
def test_diagrams_and_formulas_reach_github_as_they_are_meant(method: str) -> None:
    explained = explain_method(method, recipe(method).options)
    assert explained is not None
    assert "&#" not in explained.mermaid  # mermaid takes the # for the beginning of an entity of its own
    labels = re.findall(r'\["(.*)"\]', explained.mermaid)
    assert labels
    assert not any('"' in label for label in labels)
    for (
        formula
    ) in explained.formulas:  # Markdown would take the backslash of \\, and the like away before MathJax sees it
        assert not re.search(r"\\[^A-Za-z]", formula)


def test_the_numbers_of_axes_are_readable() -> None:
    thousands = bars([("a", 368_640.0), ("b", 46_080.0)], x="parameters", alt="two")
    assert "<!-- 100,000 -->" in thousands.light
    steps = curves({"training": [(1.0, 0.5), (2.0, 0.4)]}, x="step", y="loss", alt="one", levels={})
    assert "<!-- 1.5 -->" not in steps.light  # there is no half step
    assert LIGHT.ink in steps.light
