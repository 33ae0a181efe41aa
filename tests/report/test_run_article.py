"""Articles and cards of runs and adapters: what stands in them stands in the files, and everything resolves."""

from __future__ import annotations

import json
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
    for figure in ("**2.5000**", "**2.2500**", "0.2500 nats a token less", "9 rows", "1 were held back", "3 more rows"):
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
    run = make_run(tmp_path, state="running", losses=None, seconds=None)
    text = article_of(run).markdown
    assert "This run has not finished" in text
    assert "[ ] The training came to its end" in text


def test_samples_that_the_run_has_are_shown(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path)
    sample = {"prompt": "Add <b>", "base_answer": "no ```", "adapter_answer": "def add"}
    (other / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    text = article_of(other).markdown
    assert "```text\nAdd <b>\n```" in text
    assert "````text\nno ```\n````" in text
    assert "[x] Samples of answers" in text


def test_an_adapter_without_a_run(run: Path) -> None:
    text = article_of(run / "adapter").markdown
    assert "an adapter without the record of its training" in text
    assert "`[8, 32]`" in text  # the down projection of a base of width 32


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


def test_broken_files_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (run / "metrics.jsonl").write_text('{"step": 1, "loss": 1}\n{"st')
    with pytest.raises(CorruptFileError, match=r"metrics\.jsonl:2 is no JSON"):
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
