"""`astrarium ask` with its options: several adapters, what it tells as JSON, how tokens are chosen."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import astrarium as package
from tests.bases import save_adapter, save_base
from tests.cli.conftest import Command

PLAIN = ["--template", "plain", "--format", "fp32", "--max-new-tokens", 6]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("ask") / "base")


@pytest.fixture(scope="module")
def adapters(base: Path) -> list[Path]:
    return [save_adapter(base.parent / method, base, method) for method in ("lora", "ptuning")]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ASTRARIUM_CACHE", str(tmp_path))
    return tmp_path


def test_several_adapters_and_the_base(astrarium: Command, base: Path, adapters: list[Path], cache: Path) -> None:
    model = package.load(base, {str(place): place for place in adapters}, format="fp32")
    names = [None, *map(str, adapters)]
    texts = [model.ask("Why?", adapter=name, template="plain", max_new_tokens=6) for name in names]
    assert len(set(texts)) == 3
    worn = [option for place in adapters for option in ("--adapter", place)]
    told = json.loads(astrarium("ask", "Why?", *worn, "--with-base", *PLAIN, "--json").out)
    assert [(one["adapter"], one["answer"]) for one in told["answers"]] == list(zip(names, texts, strict=True))
    assert told["base"] == str(base)
    shown = astrarium("ask", "Why?", *worn, *PLAIN).out
    assert [line for line in shown.splitlines() if line.startswith("— ")] == [
        f"— adapter {name} —" for name in names[1:]
    ]
    assert all(text.strip() in shown for text in texts[1:])
    assert not (cache / "conversation.json").exists()
    refused = astrarium("ask", "Why?", *worn, "--continue")
    assert refused.status == 2
    assert "a conversation is held with one adapter" in " ".join(refused.err.replace("│", "").split())


def test_what_is_told_of_an_answer(astrarium: Command, base: Path) -> None:
    told = json.loads(astrarium("ask", "Why?", "--base", base, *PLAIN, "--json", "--logprobs", 1).out)
    assert (told["reason"], told["prompt_tokens"], told["new_tokens"], told["format"]) == ("length", 4, 6, "fp32")
    assert len(told["logprobs"]) == 6
    assert told["template"] == "plain"
    by_chat = json.loads(astrarium("ask", "Why?", "--base", base, *PLAIN[2:], "--json").out)
    assert by_chat["template"] == ("chat" if package.load(base).tokenizer.chat_template else "plain")
    assert all(one["likeliest"][0]["id"] == one["id"] and one["logprob"] < 0 for one in told["logprobs"])
    stopped = json.loads(astrarium("ask", "Why?", "--base", base, *PLAIN, "--json", "--stop", told["answer"][1]).out)
    assert stopped["reason"] == "stop"
    assert astrarium("ask", "Why?", "--base", base, "--logprobs", 1).status == 2


def test_texts_that_are_none(astrarium: Command, base: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"ok \xff")
    for arguments, message in (
        (["caf\udce9"], "the question is no UTF-8 text: unexpected end of data at byte 3"),
        (["--file", bad], "bad.txt is no UTF-8 text: invalid start byte at byte 3"),
        (["why?", "--stop", "\udcff"], "expected Unicode texts that are not empty"),
    ):
        refused = astrarium("ask", *arguments, "--base", base, *PLAIN)
        assert refused.status == 1
        assert message in refused.err
        assert refused.err.count("\n") == 1


def test_bytes_that_are_no_text(base: Path) -> None:
    command = [sys.executable, "-m", "astrarium.cli", "ask"]
    options = ["--base", str(base), *map(str, PLAIN)]
    for locale in ({"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "utf-8:strict"}):
        environment = {**os.environ, **locale}
        done = subprocess.run([*command, "-", *options], input=b"caf\xe9", capture_output=True, env=environment)
        assert done.returncode == 1, done
        assert b"standard input is no UTF-8 text: unexpected end of data at byte 3" in done.stderr
        assert done.stderr.count(b"\n") == 1
    answered = subprocess.run([*command, "-", *options, "--json"], input=b"a\0b", capture_output=True, check=True)
    assert json.loads(answered.stdout)["question"] == "a\0b"


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--top-k", 1, "--temperature", 5], {}),
        (["--min-p", 0.999, "--temperature", 5], {}),
        (["--repetition-penalty", 50], {"repetition_penalty": 50.0}),
        (["--temperature", 2, "--seed", 3, "--top-p", 0.5], {"temperature": 2.0, "seed": 3, "top_p": 0.5}),
    ],
)
def test_how_tokens_are_chosen(
    astrarium: Command, base: Path, options: list[object], asked: dict[str, float], tmp_path: Path
) -> None:
    model = package.load(base, format="fp32")
    expected = model.ask("Why?", template="plain", max_new_tokens=6, **asked)
    assert json.loads(astrarium("ask", "Why?", "--base", base, *PLAIN, *options, "--json").out)["answer"] == expected
    file = tmp_path / "f.py"
    file.write_text("Why?")
    completed = astrarium("complete", f"{file}:1", "--base", base, "--prefix-only", *PLAIN[2:], *options, "--json")
    assert json.loads(completed.out)["completion"] == model.complete(
        "Why?", prefix_only=True, max_new_tokens=6, **asked
    )


def test_options_of_drawing_without_a_temperature_are_said(astrarium: Command, base: Path, tmp_path: Path) -> None:
    idle = "--top-p, --seed: without effect at temperature 0"
    file = tmp_path / "f.py"
    file.write_text("Why?")
    for command in (["ask", "Why?"], ["complete", f"{file}:1"]):
        options = ["--base", base, *PLAIN[2:], "--top-p", 0.5, "--seed", 1]
        assert idle in astrarium(*command, *options).err
        assert "without effect" not in astrarium(*command, *options, "--temperature", 1).err


def test_devices_and_time(astrarium: Command, base: Path, tmp_path: Path) -> None:
    for command in (["ask", "Why?"], ["complete", f"{__file__}:1"]):
        refused = astrarium(*command, "--base", base, "--device", "cuda:77")
        assert refused.status == 1
        assert "error: device 'cuda:77' is not here; torch finds" in refused.err
    late = json.loads(
        astrarium("ask", "Why?", "--base", base, "--time-limit", 1e-9, "--max-new-tokens", 200, "--json").out
    )
    assert (late["reason"], late["new_tokens"]) == ("time", 0)


def test_a_cache_that_cannot_be_written_costs_no_answer(
    astrarium: Command, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ASTRARIUM_CACHE", str(tmp_path / "file" / "cache"))
    asked = astrarium("ask", "Why?", "--base", base, *PLAIN)
    assert asked.status == 0
    assert asked.out.strip()
    assert "the conversation is not kept for --continue" in asked.err


class Interrupting(io.StringIO):
    """An output at which Ctrl-C is pressed when the first piece of an answer is seen."""

    pressed = False

    def write(self, text: str) -> int:
        if text.strip() and not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


def test_ctrl_c_ends_an_answer(astrarium: Command, base: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", out := Interrupting())
    assert astrarium("ask", "Why?", "--base", base, *PLAIN).status == 130
    assert out.getvalue() == "\n"


def test_ctrl_c_and_errors_at_the_prompt_leave_the_prompt(
    astrarium: Command, base: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO(f"First?\n{'word ' * 300}\nSecond?\n\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr("builtins.input", lambda shown: terminal.readline())
    monkeypatch.setattr(sys, "stdout", Interrupting())
    outcome = astrarium("ask", "--base", base, *PLAIN)
    assert outcome.status == 0
    assert "error: the prompt has" in outcome.err
    kept = json.loads((cache / "conversation.json").read_text())
    assert [turn["content"] for turn in kept["turns"] if turn["role"] == "user"] == ["First?", "Second?"]
    assert kept["turns"][3]["content"] != ""
