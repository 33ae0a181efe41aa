"""Importing astrarium teaches peft the method BOTTLENECK, in either order, at no cost, in any process."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

KNOWS = "from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING as m; print(m['BOTTLENECK'].__name__)"


def run(code: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", code], input=stdin, capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(f"import astrarium, peft; {KNOWS}", marks=pytest.mark.slow),
        pytest.param(f"import peft, astrarium; {KNOWS}", marks=pytest.mark.slow),
        pytest.param(
            f"import peft, astrarium, importlib; importlib.reload(astrarium); {KNOWS}", marks=pytest.mark.slow
        ),
        pytest.param(f"import astrarium.methods.bottleneck.config; {KNOWS}", marks=pytest.mark.slow),
        pytest.param(f"import astrarium.methods.bottleneck.model; {KNOWS}", marks=pytest.mark.slow),
        pytest.param(
            f"import astrarium; from transformers import AutoModelForCausalLM; import peft.tuners.lora; {KNOWS}",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["before", "after", "reloaded", "config first", "model first", "through a submodule"],
)
def test_peft_knows_the_method_whichever_comes_first(code: str) -> None:
    done = run(code)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().split() == ["BottleneckConfig"]


def test_import_loads_neither_peft_nor_torch() -> None:
    heavy = "{'torch', 'peft', 'transformers', 'numpy', 'typer', 'rich'}"
    done = run(f"import astrarium, sys; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.decode().strip() == "[]", done.stderr.decode()


def test_the_new_member_of_the_enum_is_one() -> None:
    code = (
        "import astrarium, peft, pickle, copy; from peft import PeftType as T; b = T.BOTTLENECK;"
        "assert b == b.value == b.name == 'BOTTLENECK' and T('BOTTLENECK') is b and T['BOTTLENECK'] is b;"
        "assert list(T)[-1] is b and b in T and isinstance(b, T) and len(set(T)) == len(list(T));"
        "assert pickle.loads(pickle.dumps(b)) is b and copy.deepcopy(b) is b and hash(b) == hash('BOTTLENECK')"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.slow
def test_a_pickled_config_loads_in_a_fresh_process() -> None:
    from astrarium.methods.bottleneck import BottleneckConfig

    config = BottleneckConfig(target_modules=["c_fc"], bottleneck_size=7, scaling="learned", site_kinds={"c_fc": "in"})
    done = run("import pickle, sys; print(pickle.load(sys.stdin.buffer))", pickle.dumps(config))
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().strip() == str(config)
    assert "bottleneck_size=7" in str(config)


@pytest.mark.slow
def test_a_peft_with_a_bottleneck_of_its_own_is_refused_by_name() -> None:
    code = "import peft; from peft.utils import PeftType; from astrarium.methods.bottleneck import register as r;"
    done = run(
        "import wrapt; wrapt.register_post_import_hook = lambda *a: None\n"  # hold our own hook back
        + code
        + "r._add_member(PeftType, 'BOTTLENECK'); r.register(peft)"
    )
    # The package itself is imported by the second line, with peft's own member not yet there.
    assert done.returncode != 0
    message = done.stderr.decode().strip().splitlines()[-1]
    assert "PluginError" in message
    assert "has a method BOTTLENECK of its own" in message
