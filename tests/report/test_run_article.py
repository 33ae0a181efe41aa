"""Articles and cards of runs and adapters: what stands in them stands in the files, and everything resolves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from huggingface_hub import ModelCard

from astrarium.core.errors import AstrariumError, CorruptFileError, ReportError
from astrarium.report import article_of, card_of
from tests.cli.conftest import Command
from tests.cli.conftest import astrarium as astrarium
from tests.report.made import ENTRIES, broken_links, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("report"))


def test_the_article_of_a_run_says_what_its_files_say(run: Path, tmp_path: Path) -> None:
    article = article_of(run, stem="run")
    article.write(tmp_path / "run.md")
    text = article.markdown
    for figure in ("**2.5000**", "**2.2500**", "0.2500 nats a token less", "9 rows", "1 was held back", "3 more rows"):
        assert figure in text
    assert "80 tokens/s" in text
    assert "tokens seen | 100[" in text  # 40 + 60
    assert "[x] The training came to its end" in text
    assert "[ ] Samples of answers" in text
    assert "import astrarium\nfrom peft" in text
    assert broken_links(tmp_path / "run.md") == []


def test_the_curve_s_data_is_the_log(run: Path) -> None:
    article = article_of(run, stem="run")
    rows = article.assets["run-loss.csv"].splitlines()
    assert rows[1:] == [
        "training,1.0,3.5", "training,2.0,1.25", "validation,0.0,2.75", "validation,2.0,2.25",
        '"base alone, validation",every,2.5',
    ]  # fmt: skip


def test_pictures_are_svg_of_both_themes_and_the_same_each_time(run: Path) -> None:
    first, second = article_of(run, stem="run"), article_of(run, stem="run")
    assert first.assets == second.assets
    assert first.markdown == second.markdown
    assert first.assets["run-loss-light.svg"] != first.assets["run-loss-dark.svg"]
    for name, content in first.assets.items():
        if name.endswith(".svg"):
            ElementTree.fromstring(content)


def test_an_adapter_that_did_not_help_is_said_to_have_not(tmp_path: Path) -> None:
    run = make_run(tmp_path, losses={"base": 2.0, "start": 2.0, "end": 2.5})
    assert "the adapter did not help" in article_of(run).markdown


def test_a_run_that_is_not_finished_says_so(tmp_path: Path) -> None:
    # the record has the untrained adapter's loss in the last place until the end
    run = make_run(tmp_path, state="running", losses={"base": 2.5, "start": 2.75, "end": 2.75}, seconds=None)
    text = article_of(run).markdown
    assert "did not help" not in text
    assert "2.750 of what was kept" not in text
    assert ModelCard(card_of(run).markdown).data.eval_results is None
    assert "\n\n> [!WARNING]\n> This run has not finished" in text
    assert f"astrarium tune --resume {run}" in text
    assert "PeftModel" not in text  # there is nothing to load yet
    assert "[ ] The training came to its end" in text


def test_samples_that_the_run_has_are_shown(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path)
    sample = {"prompt": "Add <b>", "base_answer": "no ```", "adapter_answer": "def add"}
    (other / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    text = article_of(other).markdown
    assert "```text\nAdd <b>\n```" in text
    assert "````text\nno ```\n````" in text
    assert "[x] Samples of answers" in text


def test_samples_of_the_log_are_the_kept_step_s_with_the_base_s_answer(tmp_path: Path) -> None:
    run = make_run(tmp_path, best_step=1)
    asked = {"source": "rows.jsonl line 4", "prompt": "Add"}
    lines: list[dict[str, object]] = [
        {"step": 0, "validation_loss": 2.75, "sample_of_base": {**asked, "answer": "of base"}}
    ]
    lines += [
        {"step": step, "validation_loss": 2.25, "sample": {**asked, "answer": f"of step {step}"}} for step in (1, 2)
    ]
    lines.append({"step": 1, "loss": 3.5, "tokens": 40})
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = article_of(run).markdown
    assert "The answer to a row held back (rows.jsonl line 4), as step 1 gave it" in text
    assert "The base alone:\n\n```text\nof base\n```\n\nWith the adapter:\n\n```text\nof step 1\n```" in text
    assert "of step 2" not in text
    assert "What was kept is step 1" in text


def test_an_adapter_without_a_run(run: Path, tmp_path: Path) -> None:
    text = article_of(run / "adapter").markdown
    assert text.startswith("# The adapter `parallel-base-1/adapter`\n")
    assert "an adapter without the record of its training" in text
    assert "`[8, 32]`" in text  # the down projection of a base of width 32
    assert f"--adapter {run / 'adapter'}\n" in text
    kept = tmp_path / "kept"
    shutil.copytree(run / "adapter", kept)
    (kept / "astrarium.json").write_text(json.dumps({"recipe": ENTRIES["recipe"], "method": "parallel"}))
    assert "an adapter and its recipe, but not the log of its training" in article_of(kept).markdown


@pytest.mark.slow
@pytest.mark.parametrize("template", ["plain", "astraios"])
def test_the_code_that_loads_it_runs(run: Path, tmp_path: Path, template: str) -> None:
    other = make_run(tmp_path, template=template)
    for text, folder in ((article_of(other).markdown, tmp_path), (card_of(other).markdown, other / "adapter")):
        code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        assert len(code) == 1
        short = code[0].replace("max_new_tokens=128", "max_new_tokens=4")
        without = short.replace("model = PeftModel.from_pretrained(model, adapter)\n", "")
        printed = [
            subprocess.run([sys.executable, "-c", one], cwd=folder, capture_output=True, text=True, check=True).stdout
            for one in (short, without)
        ]
        assert printed[0] != printed[1]


def test_the_card_of_a_full_tuning_loads_the_tuned_model(tmp_path: Path) -> None:
    run = make_run(tmp_path, method="fft", base="bigcode/starcoderbase-1b")
    card = card_of(run).markdown
    assert 'tuned = "."' in card
    assert "from_pretrained(tuned)" in card
    assert "PeftModel" not in card
    assert ModelCard(card).data.to_dict()["base_model_relation"] == "finetune"


@pytest.mark.parametrize("licence", [None, "apache-2.0"])
def test_the_card_has_metadata_that_the_hub_s_library_reads(run: Path, licence: str | None) -> None:
    card = ModelCard(card_of(run, licence=licence).markdown)
    assert card.data.license == licence
    assert card.data.library_name == "peft"
    assert card.data.base_model is None  # a folder on this machine is no model of the hub
    result = card.data.eval_results[0]
    assert (result.metric_value, result.dataset_args) == (ENTRIES["losses"]["end"], {"digest": "sha256:00"})


def test_the_card_of_a_hub_s_base_names_it(tmp_path: Path) -> None:
    run = make_run(tmp_path, base="bigcode/starcoderbase-1b")
    card = ModelCard(card_of(run).markdown)
    assert card.data.base_model == "bigcode/starcoderbase-1b"
    assert card.data.to_dict()["base_model_relation"] == "adapter"


@pytest.mark.parametrize("what", ["run", "adapter"])
def test_the_linter_has_nothing_to_say(run: Path, tmp_path: Path, what: str) -> None:
    folder = run if what == "run" else run / "adapter"
    article_of(folder, stem="a").write(tmp_path / "a.md")
    card_of(folder).write(tmp_path / "card.md")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "pymarkdown", "-c", str(root / ".pymarkdown.json")]
    command += [
        "--set",
        "extensions.front-matter.enabled=$!True",
        "scan",
        str(tmp_path / "a.md"),
        str(tmp_path / "card.md"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_broken_files_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (run / "metrics.jsonl").write_text('{"step": 1, "loss": 1}\n{"st')
    with pytest.raises(CorruptFileError, match=r"metrics\.jsonl:2 is no JSON"):
        article_of(run)
    (run / "metrics.jsonl").write_text('{"step": "a", "loss": 1}\n')
    with pytest.raises(CorruptFileError, match=r"metrics\.jsonl:1 has step 'a'; expected a number"):
        article_of(run)
    (run / "metrics.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(CorruptFileError, match=r"metrics\.jsonl is no UTF-8 text"):
        article_of(run)
    (run / "run.json").write_text('{"recipe": {}}')
    with pytest.raises(CorruptFileError, match="has method None; expected a method's name"):
        article_of(run)
    (run / "run.json").write_text('{"recipe": {}, "method": "lora", "losses": "low"}')
    with pytest.raises(CorruptFileError, match="has losses 'low'; expected an object"):
        article_of(run)
    (run / "run.json").write_text("[]")
    with pytest.raises(CorruptFileError, match=r"run\.json has no recipe"):
        article_of(run)
    with pytest.raises(AstrariumError, match="adapter"):
        article_of(tmp_path)
    with pytest.raises(ReportError, match="licence is 'Apache 2'"):
        card_of(tmp_path, licence="Apache 2")


def test_the_command(astrarium: Command, run: Path, tmp_path: Path) -> None:
    written = astrarium("report", run, "-o", tmp_path / "a.md", "--json")
    assert str(tmp_path / "a.md") in json.loads(written.out)["written"]
    assert broken_links(tmp_path / "a.md") == []
    page = astrarium("report", run, "--html", "-o", tmp_path / "a.html")
    assert page.status == 0
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert astrarium("report", run, "--card").out.startswith("---\n")
    assert astrarium("report", run, "--card", "--html").status == 2
    refused = astrarium("report", tmp_path / "nothing")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
