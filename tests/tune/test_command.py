"""`astrarium tune`: every kind of row, every option that changes what is learned, and what is refused."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from astrarium.core.errors import TuneError
from astrarium.data import Row, write_rows
from astrarium.methods import METHODS, recipe, short_changes
from astrarium.model import load_base
from astrarium.tune import Settings, train
from astrarium.tune import session as sessions
from tests.bases import save_base
from tests.cli.conftest import Command, astrarium  # noqa: F401  (a fixture)
from tests.vocabularies import small_tokenizer

SMALL = ["--steps", 6, "--sequence-length", 128, "--sequences-per-step", 2, "--learning-rate", 2e-2, "--no-trackers"]
CODE = "def f{n}(x):\n    total = x + {n}\n    return total * {n}\n"
KINDS: dict[str, dict[str, Any]] = {
    "question": {"prompt": "Double {n}", "completion": "print({n} * 2)"},
    "text": {"text": CODE},
    "middle": {"prompt": "def f{n}(x):\n", "completion": "    return x", "suffix": " * {n}\n"},
    "conversation": {
        "messages": [
            {"role": "user", "content": "Double {n}"},
            {"role": "assistant", "content": "{n} * 2"},
            {"role": "user", "content": "As a print"},
            {"role": "assistant", "content": "print({n} * 2)"},
        ]
    },
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("command") / "base")


def written(path: Path, *records: dict[str, Any], count: int = 12) -> Path:
    def filled(value: Any, number: int) -> Any:
        if isinstance(value, str):
            return value.replace("{n}", str(number))
        if isinstance(value, list):
            return [filled(item, number) for item in value]
        return {key: filled(item, number) for key, item in value.items()}

    lines = [json.dumps(filled(record, number)) for record in records for number in range(count)]
    path.write_text("\n".join(lines) + "\n")
    return path


def record(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "run.json").read_text()))


@pytest.mark.parametrize("kinds", [*KINDS, "all"])
def test_every_kind_of_row_is_learned(kinds: str, astrarium: Command, base: Path, tmp_path: Path) -> None:  # noqa: F811
    chosen = KINDS.values() if kinds == "all" else [KINDS[kinds]]
    data = written(tmp_path / "rows.jsonl", *chosen)
    done = astrarium("tune", data, "--base", base, "--run", tmp_path / "r", "--json", *SMALL)
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert told["losses"]["end"] < told["losses"]["base"]
    # A conversation is learned once for each of its answers.
    answers = {"conversation": 24, "all": 60}.get(kinds, 12)
    assert told["rows_used"] == answers


def test_a_share_of_the_rows_becomes_middles(astrarium: Command, base: Path, tmp_path: Path) -> None:  # noqa: F811
    data = written(tmp_path / "rows.jsonl", KINDS["text"])
    done = astrarium("tune", data, "--base", base, "--run", tmp_path / "r", "--fim-rate", 1, *SMALL)
    assert done.status == 0, done.err
    assert "12 of 12 rows are middles to fill in" in done.err
    assert record(tmp_path / "r")["settings"]["fim_rate"] == 1
    assert record(tmp_path / "r")["losses"]["end"] < record(tmp_path / "r")["losses"]["base"]


def test_a_base_without_marks_for_middles_refuses_them(astrarium: Command, tmp_path: Path) -> None:  # noqa: F811
    base = tmp_path / "base"
    save_base(base, n_positions=256)
    small_tokenizer(specials=("<|endoftext|>",)).save_pretrained(base)  # of fewer ids than the base has
    data = written(tmp_path / "rows.jsonl", KINDS["text"])
    done = astrarium("tune", data, "--base", base, "--run", tmp_path / "r", "--fim-rate", 0.9, *SMALL)
    assert done.status == 1
    assert "rows.jsonl line" in done.err.splitlines()[-1]
    assert "the base has no tokens for that" in done.err.splitlines()[-1]
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--dora"], ["--rslora", "--rank", 4], ["--dtype", "int8"], ["--dtype", "int4", "--method", "parallel"],
        ["--dtype", "bf16"], ["--dtype", "int8", "--dora"], ["--packing", "concatenate"],
        ["--packing", "pad", "--micro-batch", 2, "--recompute", 1], ["--auto"], ["--loss", "full"],
    ],
    ids=lambda options: " ".join(map(str, options)),
)  # fmt: skip
def test_options_learn_and_are_recorded(
    options: list[Any], astrarium: Command, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    base = save_base(tmp_path / "base", n_embd=64, n_inner=128)
    data = written(tmp_path / "rows.jsonl", KINDS["question"], count=24)
    done = astrarium("tune", data, "--base", base, "--run", tmp_path / "r", "--json", *SMALL, *options)
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert told["losses"]["end"] < min(told["losses"]["base"], told["losses"]["start"])
    config = json.loads((tmp_path / "r" / "adapter" / "adapter_config.json").read_text())
    assert config.get("use_dora", False) == ("--dora" in options)
    assert config.get("use_rslora", False) == ("--rslora" in options)
    if "--rank" in options:
        assert (config["r"], config["lora_alpha"]) == (4, 8)
    asked = astrarium("ask", "Double 3", "--base", base, "--adapter", tmp_path / "r", "--max-new-tokens", 2)
    assert asked.status == 0, asked.err


def test_short_is_the_recipe_with_fewer_steps_and_another_rate(
    astrarium: Command, base: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    data = written(tmp_path / "rows.jsonl", KINDS["question"])
    options = ["--base", base, "--steps", 2, "--sequence-length", 64, "--sequences-per-step", 1]
    assert astrarium("tune", data, "--short", "--run", tmp_path / "r", "--method", "ia3", *options).status == 0
    used = record(tmp_path / "r")["recipe"]
    assert used["learning_rate"] == short_changes("ia3")["learning_rate"] != recipe("ia3").learning_rate
    assert (used["steps"], used["sequence_length"]) == (2, 64)  # what is said holds
    for method in METHODS:
        assert short_changes(method)["steps"] < recipe(method).steps
    assert "learning_rate" not in short_changes("fft")


BAD = {
    "nothing": ("", "rows.jsonl has no rows"),
    "no column": ('{"prompt": "a", "completion": "b"}\n{"prompt": "a", "answer": "b"}\n', "line 2: no column 'complet"),
    "wrong type": ('{"prompt": "a", "completion": 7}\n', "line 1: column 'completion' holds a number; expected text"),
    "no object": ('{"prompt": "a", "completion": "b"}\n[1]\n', "line 2: a row is a list; expected an object"),
    "no JSON": ('{"prompt": "a", "completion": "b"}\n\n{oops\n', "line 3: no JSON"),
    "empty": ('{"prompt": "a", "completion": " "}\n', "line 1: column 'completion' is empty"),
    "no answer": ('{"messages": [{"role": "user", "content": "a"}]}\n', "line 1: column 'messages' has no answer"),
    "one row": ('{"prompt": "a", "completion": "b"}\n', "1 rows cannot be split into training and validation"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_one_line_and_nothing_is_written(
    name: str, astrarium: Command, base: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    (tmp_path / "rows.jsonl").write_text(BAD[name][0])
    done = astrarium("tune", tmp_path / "rows.jsonl", "--base", base, "--run", tmp_path / "r", *SMALL)
    assert done.status == 1
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert BAD[name][1] in errors[0]
    assert "Traceback" not in done.err
    assert {entry.name for entry in tmp_path.iterdir()} == {"rows.jsonl"}


def test_answers_longer_than_a_sequence_are_counted_and_named(
    astrarium: Command, base: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    data = written(tmp_path / "rows.jsonl", {"prompt": "Long {n}", "completion": "x = 1\n" * 80}, count=3)
    done = astrarium("tune", data, "--base", base, "--run", tmp_path / "none", *SMALL)
    assert done.status == 1
    assert re.search(r"error: none of \d rows fits into 128 tokens \(the longest is rows.jsonl line \d", done.err)
    assert not (tmp_path / "none").exists()
    with data.open("a") as file:
        file.writelines(json.dumps({"prompt": f"Double {n}", "completion": f"{n}{n}"}) + "\n" for n in range(12))
    done = astrarium("tune", data, "--base", base, "--run", tmp_path / "r", "--json", *SMALL)
    assert json.loads(done.out)["rows_too_long"] == 3
    assert re.search(r"rows are left out: longer than 128 tokens, as rows.jsonl line [123]", done.err)


def test_a_base_without_the_recipes_sites(astrarium: Command, tmp_path: Path) -> None:  # noqa: F811
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = small_tokenizer()
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = AutoConfig.for_model("phi", vocab_size=len(tokenizer), **shape)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    data = written(tmp_path / "rows.jsonl", KINDS["question"])
    done = astrarium("tune", data, "--base", tmp_path / "base", "--run", tmp_path / "r", *SMALL)
    assert done.status == 1
    assert "error: recipe lora names no sites for family 'phi'" in done.err
    assert not (tmp_path / "r").exists()


def test_curves_are_drawn(astrarium: Command, base: Path, tmp_path: Path) -> None:  # noqa: F811
    data = written(tmp_path / "rows.jsonl", KINDS["question"])
    run = tmp_path / "r"
    options = ["--evaluate-every", 2, "--sample", 4]
    tuned = astrarium("tune", data, "--base", base, "--run", run, *SMALL, *options)
    assert re.search(r"step 2: validation loss \d", tuned.err)
    assert "to a row held back (rows.jsonl line" in tuned.err
    drawn = astrarium("tune", "--plot", run)
    assert drawn.status == 0
    assert "validation: " in drawn.out
    assert re.search("[\u2801-\u28ff]", drawn.out)
    picture = (run / "loss.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1050, 600)
    svg = (run / "loss.svg").read_text()
    assert "<svg" in svg
    assert "training" in svg or "path" in svg
    assert [Path(file).name for file in json.loads(astrarium("tune", "--plot", run, "--json").out)["files"]] == [
        "loss.svg", "loss.png",
    ]  # fmt: skip
    nothing = astrarium("tune", "--plot", tmp_path)
    assert (nothing.status, "has no metrics.jsonl; expected the folder of a run" in nothing.err) == (1, True)
    assert astrarium("tune").status == 2
    assert astrarium("tune", data, "--resume", run).status == 2


ROWS: list[Row] = [
    {"prompt": f"Double {n}", "completion": f"print({n} * 2)", "source": f"f{n}.py:1"} for n in range(12)
]
WORK: dict[str, Any] = {"steps": 6, "sequence_length": 64, "sequences_per_step": 2, "learning_rate": 2e-2}


def test_python_does_what_the_command_does(astrarium: Command, base: Path, tmp_path: Path) -> None:  # noqa: F811
    write_rows(tmp_path / "rows.jsonl", ROWS)
    options = ["--steps", 6, "--sequence-length", 64, "--sequences-per-step", 2, "--learning-rate", 2e-2, "--dora"]
    told = json.loads(
        astrarium(
            "tune",
            tmp_path / "rows.jsonl",
            "--base",
            base,
            "--run",
            tmp_path / "a",
            "--no-trackers",
            "--json",
            *options,
        ).out
    )
    settings = Settings(trackers=False)
    run = train(
        tmp_path / "rows.jsonl", "lora", str(base), run=tmp_path / "b", settings=settings, options={"use_dora": True},
        **WORK,
    )  # fmt: skip
    assert told["losses"] == {"base": run.losses.base, "start": run.losses.start, "end": run.losses.end}
    weights = "adapter_model.safetensors"
    assert (Path(told["adapter"]) / weights).read_bytes() == (run.adapter / weights).read_bytes()


def test_gradients_are_clipped(base: Path, tmp_path: Path) -> None:
    ends = {}
    for clip in (1.0, 1e-12):  # far below AdamW's epsilon: nothing can move
        settings = Settings(clip=clip, trackers=False)
        ends[clip] = train(ROWS, "lora", load_base(str(base)), run=tmp_path / str(clip), settings=settings, **WORK)
    assert ends[1e-12].losses.end == pytest.approx(ends[1e-12].losses.start, abs=5e-3)
    assert ends[1.0].losses.end < ends[1.0].losses.start - 0.05


def test_an_adapter_that_cannot_be_written_loses_nothing(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from astrarium.tune import resume

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    loaded = load_base(str(base))
    with monkeypatch.context() as patched:
        patched.setattr(sessions, "atomic_folder", full)
        with pytest.raises(TuneError, match="cannot be written: No space left on device; the checkpoint of step 6 is"):
            train(ROWS, "lora", loaded, run=tmp_path / "r", settings=Settings(trackers=False), **WORK)
    assert resume(tmp_path / "r", rows=ROWS, base=loaded).adapter.is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False])
def test_torchrun_starts_the_command(named: bool, base: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", ROWS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    options = ["--base", base, "--parallel", "fsdp", "--json", *SMALL, *(["--folder", "r"] if named else [])]
    done = subprocess.run(
        [*command, "astrarium.cli", "tune", "rows.jsonl", *map(str, options)],
        capture_output=True, text=True, timeout=200, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(told) == 1  # the first process alone prints
    assert told[0]["losses"]["end"] < told[0]["losses"]["base"]
    run = "r" if named else "runs/lora-base-1"
    assert told[0]["run"] == run
    assert (tmp_path / run / "adapter" / "adapter_model.safetensors").is_file()
