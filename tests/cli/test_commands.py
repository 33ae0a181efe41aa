"""Each command on something real: what it prints, what it leaves, how it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from astrarium.data import read_rows, write_rows
from tests.bases import save_adapter, save_base
from tests.cli.conftest import Command
from tests.data.repositories import Repository
from tests.data.test_mining import AFTER, BEFORE, GOOD

HEAVY = ("torch", "transformers", "peft", "datasets", "pygit2", "numpy")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("cli") / "base")


def loaded_by(*arguments: str) -> set[str]:
    """Which heavy libraries a command loads, in a process of its own."""
    code = (
        "import sys; from astrarium.cli import main\ntry: main()\nexcept SystemExit: pass\n"
        f"print('LOADED', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_help_loads_nothing_heavy_and_names_every_command(astrarium: Command) -> None:
    assert loaded_by("--help") == set()
    out = astrarium("--help").out
    for name in ("ask", "tune", "tokens", "data", "adapters"):
        assert name in out


def test_counting_loads_neither_torch_nor_peft() -> None:
    assert not loaded_by("adapters", "count") & {"torch", "peft", "transformers"}


def test_count(astrarium: Command, base: Path) -> None:
    result = json.loads(astrarium("adapters", "count", "--base", base, "--json").out)
    assert [recipe["method"] for recipe in result["recipes"]][:2] == ["lora", "ia3"]
    assert result["recipes"][-1] == {
        "method": "fft", "trained": result["parameters"], "saved": result["parameters"], "share_percent": 100.0,
    }  # fmt: skip
    assert "share %" in astrarium("adapters", "count", "--base", base).out


def test_tokens(astrarium: Command, base: Path) -> None:
    shown = astrarium("tokens", "def f(x): return [bold]x", "--base", base)
    assert shown.status == 0
    for text in ("piece", "offsets", "[bold]", "encode:", "batch_decode:", "padding on the right"):
        assert text in shown.out.replace("\n", "") or text in shown.out
    table = json.loads(astrarium("tokens", "def", "--base", base, "--json").out)
    ids = [token["id"] for token in table["rows"][0]["tokens"]]
    decoded = astrarium("tokens", "--base", base, "--decode", ",".join(map(str, ids)), "--json")
    assert json.loads(decoded.out)["decoded"] == "def"
    assert (
        "input_ids: torch.Tensor torch.int64 [2, "
        in astrarium("tokens", "a", "def", "--base", base, "--tensors", "pt").out
    )
    assert "input_ids: numpy.ndarray int64 [1, " in astrarium("tokens", "a", "--base", base, "--tensors", "np").out
    refused = astrarium("tokens", "--base", base, "--decode", "1,x")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "--decode '1,x' is no list of ids" in refused.err


def test_data(astrarium: Command, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    repository.commit("Begin", {"a.py": GOOD, "hello.py": BEFORE})
    repository.commit("Use a formatted string instead", {"hello.py": AFTER})
    out = tmp_path / "rows.jsonl"
    summary = json.loads(astrarium("data", "functions", tmp_path / "repo", "-o", out, "--json").out)
    assert summary["kept"] == len(read_rows(out)) == 1
    printed = astrarium("data", "commits", tmp_path / "repo")
    assert json.loads(printed.out)["completion"] == AFTER
    assert "left out: a merge or a first commit" in printed.err
    assert astrarium("data", "functions", tmp_path / "repo", "--json").status == 2


def test_tune_then_ask_then_go_on(
    astrarium: Command, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASTRARIUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_rows("rows.jsonl", [{"prompt": f"Q{n}", "completion": f"A{n}", "source": f"{n}"} for n in range(12)])
    options = ["--base", base, "--steps", 2, "--sequence-length", 64, "--sequences-per-step", 1]
    tuned = astrarium("tune", "rows.jsonl", "--method", "parallel", *options)
    assert tuned.status == 0, tuned.err
    assert "validation loss at the end" in tuned.out
    assert 'ask it: astrarium ask "…" --adapter runs/parallel-base-1' in tuned.out
    again = json.loads(astrarium("tune", "rows.jsonl", "--method", "ptuning", "--json", *options).out)
    assert again["run"] == "runs/ptuning-base-1"
    first = astrarium("ask", "Q3", "--adapter", "runs/parallel-base-1", "--max-new-tokens", 4, "--json")
    assert json.loads(first.out)["base"] == str(base)
    assert astrarium("ask", "And Q4?", "--continue", "--max-new-tokens", 4).status == 0
    kept = json.loads((tmp_path / "cache" / "conversation.json").read_text())
    assert [turn["content"] for turn in kept["turns"]][::2] == ["Q3", "And Q4?"]
    assert kept["adapter"] == "runs/parallel-base-1"
    (tmp_path / "q.txt").write_text("From a file")
    assert astrarium("ask", "--file", "q.txt", "--base", base, "--max-new-tokens", 2).status == 0


def test_a_small_prompt_loop(astrarium: Command, base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASTRARIUM_CACHE", str(tmp_path))
    terminal = io.StringIO("First?\nSecond?\n\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert astrarium("ask", "--base", base, "--max-new-tokens", 3).status == 0
    kept = json.loads((tmp_path / "conversation.json").read_text())
    assert [turn["role"] for turn in kept["turns"]] == ["user", "assistant", "user", "assistant"]


def test_a_question_from_standard_input(base: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "astrarium", "ask", "-", "--base", str(base), "--max-new-tokens", "3", "--json"],
        input="Why?", capture_output=True, text=True, check=True, env={**os.environ, "ASTRARIUM_CACHE": str(tmp_path)},
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["question"] == "Why?"
    assert 0 < told["memory_bytes"]["cache"] < told["memory_bytes"]["cache_most"]


def test_failures_are_one_line_and_status_1(astrarium: Command, base: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 6 + "{oops\n")
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 40)
    adapter = save_adapter(tmp_path / "adapter", save_base(tmp_path / "wide", n_embd=64))
    (tmp_path / "plain").mkdir()
    cases = [
        (["ask", ""], "the question is empty"),
        (["ask", "Hi", "--base", "./none"], "there is no base model ./none"),
        (["ask", "Hi", "--base", tmp_path / "cut.gguf"], "header promises"),
        (["ask", "Hi", "--base", base, "--adapter", adapter], "does not fit base"),
        (["ask", "Hi", "--base", base, "--template", "alpaca"], "template 'alpaca' is not known"),
        (["ask", "Hi", "--base", base, "--temperature", "-1"], "temperature is -1.0"),
        (["tune", tmp_path / "bad.jsonl", "--base", base], "bad.jsonl line 7: no JSON"),
        (["tune", tmp_path / "bad.jsonl", "--method", "qlora"], "method 'qlora' is not known"),
        (["data", "commits", tmp_path / "plain"], "is no git repository"),
        (["adapters", "count", "--base", tmp_path / "plain"], "has no config.json"),
    ]
    for arguments, message in cases:
        outcome = astrarium(*arguments)
        lines = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
        assert outcome.status == 1, arguments
        assert len(lines) == 1, outcome.err
        assert message in lines[0]
        assert "Traceback" not in outcome.err
        assert outcome.out == ""
    assert not (tmp_path / "runs").exists()


def test_wrong_usage_is_status_2_and_debug_shows_the_traceback(
    astrarium: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert astrarium("frobnicate").status == 2
    assert astrarium("tokens", "x", "--tensors", "tf").status == 2
    assert astrarium("--version").out.startswith("astrarium ")
    from astrarium.cli import main
    from astrarium.core.errors import TextError

    monkeypatch.setattr(sys, "argv", ["astrarium", "ask", "", "--debug"])
    with pytest.raises(TextError, match="the question is empty"):
        main()


def test_benches_are_listed(astrarium: Command) -> None:
    listed = json.loads(astrarium("bench", "--json").out)
    assert "llama.cpp" in listed["decode-135m"]
    assert "mixed-8" in astrarium("bench").out
    unknown = astrarium("bench", "nothing")
    assert unknown.status == 1
    assert "there is no bench 'nothing'" in unknown.err
