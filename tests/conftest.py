"""What every test shares: where third-party data is, a home of its own, and the slow tests' switch."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # huggingface_hub reads it when it is imported; no test asks a hub but its own
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a shell's background job ignores it, and so would what it starts


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow; run with --slow"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party data and golden numbers: `ASTRARIUM_SHARED`, by default beside the checkout."""
    folder = Path(os.environ.get("ASTRARIUM_SHARED") or Path(__file__).parents[2] / "shared")
    if folder.is_dir():
        return folder
    reason = f"no shared data at {folder}; set ASTRARIUM_SHARED"
    if os.environ.get("ASTRARIUM_REQUIRE_SHARED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests off the user's caches, logins and settings."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
