"""Calls that something else makes (a thread, an executor, a `partial`), and arguments that come out of dicts."""

from __future__ import annotations

import libcst as cst
import pytest

from astrarium.explain import read_text
from tests.explain.test_followed import LINES, places, told

ASKED = """
import asyncio, functools, threading
from functools import partial
from threading import Thread
from concurrent.futures import ThreadPoolExecutor
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2", device_map="cuda")
inputs = tokenizer("a", return_tensors="pt")
pool = ThreadPoolExecutor()
{}
"""
LINE = 9


@pytest.mark.parametrize(
    "call",
    [
        "Thread(target=model.generate, kwargs={**inputs, 'max_new_tokes': 8}).start()",
        "Thread(target=model.generate, kwargs=dict(inputs, max_new_tokes=8)).start()",
        "threading.Thread(None, model.generate, args=(inputs.input_ids,), kwargs={'max_new_tokes': 8}).start()",
        "pool.submit(model.generate, **inputs, max_new_tokes=8)",
        "asyncio.run(asyncio.to_thread(model.generate, **inputs, max_new_tokes=8))",
        "partial(model.generate, max_new_tokes=8)(**inputs)",
        "g = functools.partial(model.generate, max_new_tokes=8); g(**inputs)",
        "later = partial(model.generate, max_new_tokes=8)",
    ],
)
def test_arguments_are_checked_as_of_a_direct_call(call: str) -> None:
    found = places(ASKED.format(call))
    assert ("argument-gone", LINE) in found
    if "later" not in call:
        assert ("no-max-new-tokens", LINE) in found
        assert ("device-mismatch", LINE) in found
    right = call.replace("max_new_tokes", "max_new_tokens").replace("inputs", "inputs.to('cuda')", 1)
    assert places(ASKED.format(right).replace("inputs.to('cuda').input_ids", "inputs.input_ids.to('cuda')")) == []


@pytest.mark.parametrize(
    ("call", "mended"),
    [
        ("Thread(target=model.generate, kwargs={**inputs})", 'kwargs={**inputs, "max_new_tokens": 256})'),
        ("Thread(target=model.generate, kwargs=dict(**inputs))", "kwargs=dict(**inputs, max_new_tokens=256))"),
        ("Thread(target=model.generate, args=[ids])", 'args=[ids], kwargs={"max_new_tokens": 256})'),
        ("Thread(target=model.generate, kwargs=inputs)", None),
        ("pool.submit(model.generate, **inputs)", "submit(model.generate, **inputs, max_new_tokens=256)"),
    ],
)
def test_a_length_is_added_where_the_call_gets_it(call: str, mended: str | None) -> None:
    body = ASKED.replace('device_map="cuda"', "").format(f"ids = inputs.input_ids\nx = {call}")
    reading = told(body)
    assert [one.id for one in reading.findings if one.line == LINES + LINE + 1] == ["no-max-new-tokens"]
    last = reading.mended.rstrip().split("\n")[-1]
    assert last == f"x = {call}" if mended is None else last.endswith(mended)
    cst.parse_module(reading.mended)


DICTS = """
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
inputs = tokenizer("a", return_tensors="pt")
{}
out = model.generate(**settings)
"""


@pytest.mark.parametrize(
    ("made", "told_of"),
    [
        ("settings = {**inputs, 'do_sample': True}", True),
        ("settings = {**inputs, 'max_new_tokens': 8}", False),
        ("settings = dict(inputs, max_new_tokens=8)", False),
        ("settings = {'do_sample': True, **inputs}; settings.update(max_new_tokens=8)", False),
        ("settings = {'do_sample': True, **inputs}; settings.update({'max_new_tokens': 8})", False),
        ("settings = {'do_sample': True, **inputs}; settings['max_new_tokens'] = 8", False),
        ("settings = {**inputs, **unknown()}", False),
        ("settings = {**inputs, 'do_sample': True}; settings.update(unknown())", False),
        ("settings = {**inputs, 'max_new_tokens': 8}; settings.pop('max_new_tokens')", True),
        ("other = {**inputs, 'max_new_tokens': 8}; settings = other.copy(); settings.setdefault('a', 1)", False),
    ],
)
def test_what_is_known_of_a_dict(made: str, told_of: bool) -> None:
    assert bool(places(DICTS.format(made), "no-max-new-tokens")) is told_of


CONFIG = """
from elsewhere import more
settings = {}
{}
tokenizer = AutoTokenizer.from_pretrained("gpt2", **settings)
batch = tokenizer(["a", "b"], padding=True, return_tensors="pt")
model = AutoModelForCausalLM.from_pretrained("gpt2")
out = model.generate(**batch, max_new_tokens=8)
"""


@pytest.mark.parametrize(
    ("made", "later", "expected"),
    [
        ('{"padding_side": "right"}', "", True),
        ('{"padding_side": "right", **more}', "", False),
        ('{**more, "padding_side": "right"}', "", True),
        ('{"padding_side": "right"}', "settings.update(more)", False),
        ('{"padding_side": "right"}', 'settings.update(padding_side="left")', False),
        ('{"padding_side": "left"}', 'settings.update(padding_side="right")', True),
    ],
)
def test_an_unknown_override_silences_what_it_may_override(made: str, later: str, expected: bool) -> None:
    findings = told(CONFIG.format(made, later)).findings
    said = [one for one in findings if one.id == "right-padding" and one.severity == "error"]
    assert bool(said) is expected


def test_a_text_is_no_thread() -> None:
    assert read_text("import peft\nThread(target=1)\npartial()\nsubmit(2)\n").findings == ()
