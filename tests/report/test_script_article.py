"""The article of a script; the one that ships is rebuilt, compared and linted, and all in it resolves."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from astrarium import explain
from astrarium.core.errors import ReportError
from astrarium.explain.article import article_of_script
from astrarium.report import Article, read_recording, read_sources
from tests.bases import save_adapter, save_base
from tests.cli.conftest import Command
from tests.cli.conftest import astrarium as astrarium
from tests.report.made import broken_links

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "docs" / "articles"


@pytest.fixture(scope="module")
def built(shared: Path) -> Article:
    return article_of_script(
        explain.read(shared / "data" / "brief" / "astraios_usage.py"),
        stem="astraios-usage",
        sources=[shared / "data" / "brief" / "peft-article-brief.txt"],
        base_config=SHIPPED / "starcoderbase-7b.config.json",
        recording=read_recording(SHIPPED / "astraios-usage.cast"),
    )


def test_the_shipped_article_is_what_is_built(built: Article) -> None:
    assert built.markdown == (SHIPPED / "astraios-usage.md").read_text(encoding="utf-8"), "run docs/articles/build.sh"
    for name, content in built.assets.items():
        assert content == (SHIPPED / "assets" / name).read_text(encoding="utf-8"), f"run docs/articles/build.sh: {name}"
    assert built.html() == (SHIPPED / "astraios-usage.html").read_text(encoding="utf-8"), "run docs/articles/build.sh"


def test_it_says_that_the_adapter_is_thrown_away_and_what_the_sources_have_wrong(built: Article) -> None:
    before_contents = built.markdown.partition("## Contents")[0]
    assert "The script throws its adapter away" in before_contents
    wrong = [line for line in built.markdown.splitlines() if line.startswith("| ❌")]
    assert ['return_tensors="tf"' in line or "encode_plus" in line for line in wrong] == [True, True]
    for figure in ("7,327,263,232", "90,832,896", "29.31 GB in fp32", "`[4352, 4096]`", "`[256, 4096]`"):
        assert figure in built.markdown


def test_it_says_how_far_the_script_comes_and_its_figures_are_the_base_s_own(built: Article) -> None:
    before_contents = built.markdown.partition("## Contents")[0]
    assert (
        "refuses the file because of line 16, and once that is mended, stock peft stops on line 10" in before_contents
    )
    assert "runs without any warning" not in built.markdown  # it does not run at all
    assert "29.31 GB, against 14.65 GB in bf16" in built.markdown
    assert "28 GB" not in built.markdown  # what the name alone would give
    classes = re.search(
        r"^\| ✅ \| `AutoModelForCausalLM` \|.*`transformers/(\S+):(\d+)`", built.markdown, re.MULTILINE
    )
    assert classes is not None
    package = importlib.util.find_spec("transformers")
    assert package is not None
    lines = (Path(str(package.origin)).parent / classes[1]).read_text(encoding="utf-8").splitlines()
    assert lines[int(classes[2]) - 1].startswith("class AutoModelForCausalLM(")


def test_everything_in_it_resolves() -> None:
    assert broken_links(SHIPPED / "astraios-usage.md") == []


def test_every_quotation_is_in_its_source(built: Article, shared: Path) -> None:
    sources = {source.number: source for source in read_sources([shared / "data" / "brief" / "peft-article-brief.txt"])}
    quoted = re.findall(r"Source \[(\d+)\]\(#source-\1\) says of it:\n\n> (.+)\n", built.markdown)
    assert len(quoted) >= 5
    for number, words in quoted:
        assert words in "\n".join(passage.text for passage in sources[int(number)].passages)


def test_the_linter_has_nothing_to_say() -> None:
    command = [sys.executable, "-m", "pymarkdown", "-c", str(ROOT / ".pymarkdown.json"), "scan"]
    done = subprocess.run([*command, str(SHIPPED / "astraios-usage.md")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.slow
def test_the_recording_is_what_a_run_prints_today() -> None:
    done = subprocess.run(
        [sys.executable, "examples/adapter_lost.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    printed = "".join(text for _, text in read_recording(SHIPPED / "astraios-usage.cast").events).replace("\r\n", "\n")
    for line in done.stdout.splitlines():
        if "written" in line or "alone" in line:  # the adapter's tokens can tie on another processor
            assert line.partition("[")[0] in printed
    assert "the base's answer" in done.stdout
    assert "the adapter's answer" in done.stdout


@pytest.mark.slow
def test_the_mended_script_in_it_runs_and_gives_the_adapter_s_answer(built: Article, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", built.markdown, re.DOTALL)
    mended = next(block for block in blocks if "import astrarium" in block)
    ast.parse(mended)
    base = save_base(tmp_path / "base")
    adapter = save_adapter(tmp_path / "adapter", base)
    script = mended.replace("bigcode/starcoderbase-7b", str(base)).replace("bigcode/astraios-7b-parallel", str(adapter))
    script = script.replace('"cuda"', '"cpu"').replace("max_new_tokens=256", "max_new_tokens=8, do_sample=False")
    alone = script.replace("model = PeftModel.from_pretrained(model, peft_checkpoint)\n", "")
    answers = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for code in (script, alone)
    ]
    assert answers[0] != answers[1]


def test_a_script_on_a_base_at_hand_shows_its_own_tokens_and_counts(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    (tmp_path / "s.py").write_text(
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        f'tokenizer = AutoTokenizer.from_pretrained("{base}")\nmodel = AutoModelForCausalLM.from_pretrained("{base}")\n'
        'inputs = tokenizer("def f", return_tensors="pt")\n'
        "print(tokenizer.decode(model.generate(**inputs, max_new_tokens=4)[0]))\n"
    )
    text = article_of_script(explain.read(tmp_path / "s.py")).markdown
    assert "throws its adapter away" not in text
    assert "in 2 blocks of width 32" in text
    assert "StarCoder" not in text
    assert "Answer:" not in text


def test_the_command(astrarium: Command, tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(
        "from transformers import AutoTokenizer\nt = AutoTokenizer.from_pretrained('gpt2')\n"
    )
    (tmp_path / "page.md").write_text(
        "# A page\nURL: https://youtu.be/abcdefghijk\n\nThe call `AutoTokenizer.from_pretrained` opens the files.\n"
    )
    done = astrarium("explain", tmp_path / "s.py", "--article", tmp_path / "a.md", "--sources", tmp_path / "page.md")
    assert done.status == 0
    assert broken_links(tmp_path / "a.md") == []
    text = (tmp_path / "a.md").read_text()
    assert "](https://youtu.be/abcdefghijk)" in text
    assert "a-video-1.svg" in text
    assert astrarium("explain", tmp_path / "s.py", "--html").status == 2
    refused = astrarium("explain", tmp_path / "s.py", "--article", tmp_path / "b.md", "--sources", tmp_path / "no")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert not (tmp_path / "b.md").exists()


def test_what_is_asked_to_be_quoted_is_in_a_source_or_refused(astrarium: Command, tmp_path: Path) -> None:
    script, first, second = tmp_path / "s.py", tmp_path / "first.txt", tmp_path / "second.txt"
    script.write_text("from transformers import AutoTokenizer\nt = AutoTokenizer.from_pretrained('gpt2')\n")
    first.write_text("# One\n\nA first page.\n")
    second.write_text("# Two\n\nIt has *two* lines,\nand no more.\n")
    asked = ["explain", script, "--article", tmp_path / "a.md", "--sources", first, second]  # as a shell gives *.txt
    assert astrarium(*asked, "--quote", "It has *two* lines,\nand").status == 0
    text = (tmp_path / "a.md").read_text()
    assert "Source [2](#source-2), line 3:\n\n> It has \\*two\\* lines,\\\n> and\n" in text
    assert broken_links(tmp_path / "a.md") == []
    (tmp_path / "a.md").unlink()
    refused = astrarium(*asked, "--quote", "It has two lines")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "no source says 'It has two lines' (looked for in first.txt, second.txt)" in refused.err
    assert not (tmp_path / "a.md").exists()
    assert astrarium("explain", script, "--article", tmp_path / "a.md", "--quote", "x").status == 2
    assert astrarium("explain", script, script, "--article", tmp_path / "a.md", "--sources", first).status == 2


def test_a_notebook_is_told_as_code_with_its_lines_counted_through(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": "# words"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "from peft import PeftModel\n",
                                         "from transformers import AutoModelForCausalLM\n",
                                         "m = AutoModelForCausalLM.from_pretrained('gpt2')\n",
                                         "m = PeftModel.from_pretrained(m, 'x/lora')"]},
        {"cell_type": "code", "source": "m = AutoModelForCausalLM.from_pretrained('gpt2')\nm.generate()"},
    ]  # fmt: skip
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))
    text = article_of_script(explain.read(tmp_path / "n.ipynb")).markdown
    assert "cell_type" not in text
    assert "```python\n# cell 2\n%matplotlib inline\n" in text
    assert "> Line 8: the base is loaded again here, so the adapter attached on line 6 is thrown away" in text
    assert "### Line 8: `AutoModelForCausalLM.from_pretrained`\n\n```python\nm = Auto" in text
    assert "-m = AutoModelForCausalLM.from_pretrained('gpt2')" in text
    assert ": comments" not in text


def test_an_article_of_nothing_claims_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("")
    text = article_of_script(explain.read(tmp_path / "empty.py")).markdown
    assert "There is nothing in it to walk through." in text
    assert "line by line" not in text
    assert "Nothing is wrong" not in text
    assert "[x]" not in text


def test_a_configuration_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(Exception, match="no JSON object"):
        article_of_script(explain.read("import peft\n"), base_config=tmp_path / "config.json")
    with pytest.raises(ReportError, match="there is no source"):
        article_of_script(explain.read("import peft\n"), sources=[tmp_path / "missing"])
