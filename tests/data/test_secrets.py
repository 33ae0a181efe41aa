"""Secrets are found by their form; ordinary code holds none. Every secret here is made up from pieces."""

from __future__ import annotations

import base64
import random
import string
import subprocess
import sysconfig
from pathlib import Path

import pytest

from astrarium.data import filter_rows
from astrarium.data.filters.secrets import secret_in

DRAW = random.Random(7)


def letters(count: int, of: str = string.ascii_letters + string.digits) -> str:
    return "".join(DRAW.choice(of) for _ in range(count))


HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
PAYLOAD = base64.urlsafe_b64encode(b'{"sub":"1","name":"a"}').decode().rstrip("=")
SECRETS = {
    "AWS Access Key": "AKIA" + letters(16, "ABCDEFGHJKLMNPQRSTUVW"),
    "GitHub Token": "ghp_" + letters(36),
    "GitHub Token, new": "github_pat_" + letters(22) + "_" + letters(59),
    "GitLab Token": "glpat-" + letters(20),
    "Slack Token": "xoxb-" + "2345" + "-" + letters(12, "abcdef"),
    "Stripe Access Key": "sk_live_" + letters(24),
    "JSON Web Token": f"{HEADER}.{PAYLOAD}.{letters(43)}",
    "PyPI Token": "pypi-AgEIcHlwaS5vcmc" + letters(80),
    "Google API Key": "AIza" + letters(35),
    "Hugging Face Token": "hf_" + letters(34, string.ascii_letters),
    "Anthropic Key": "sk-ant-api03-" + letters(93),
    "OpenAI Token": "sk-" + letters(20) + "T3BlbkFJ" + letters(20),
    "SendGrid API Key": "SG." + letters(22) + "." + letters(43),
    "Twilio": "SK" + letters(32, "abcdef456789"),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_tokens_are_found_and_never_shown(kind: str) -> None:
    secret = SECRETS[kind]
    found = secret_in(f'import os\n\nTOKEN = "{secret}"  # mine\n')
    assert found is not None
    assert found.split()[0].lower() == kind.split()[0].lower()
    rows = filter_rows(
        [
            {"prompt": "Please write it down.", "completion": f"call('{secret}')", "source": "a.py:1"},
            {"prompt": "Please write it up now.", "completion": "call(token)", "source": "a.py:9"},
        ]
    )
    assert [row["source"] for row in rows] == ["a.py:9"]
    assert dict(rows.report.dropped) == {f"with a secret ({found})": 1}
    assert secret not in str(rows.report.to_dict())


@pytest.mark.parametrize("algorithm", ["RSA", "ED25519"])
def test_private_keys_as_openssl_writes_them(algorithm: str) -> None:
    done = subprocess.run(["openssl", "genpkey", "-algorithm", algorithm], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no openssl here")
    key = done.stdout
    for text in (key, f"KEY = {key!r}", "\n".join(f'    "{line}\\n"' for line in key.splitlines())):
        assert secret_in(text) == "Private Key"


def test_private_keys_as_ssh_keygen_writes_them(tmp_path: Path) -> None:
    try:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    except FileNotFoundError:
        pytest.skip("no ssh-keygen here")
    assert secret_in((tmp_path / "key").read_text()) == "Private Key"


@pytest.mark.parametrize(
    "code",
    [
        'if line.startswith("-----BEGIN RSA PRIVATE KEY-----"):\n    read(line)',
        'HEADER = "-----BEGIN PRIVATE KEY-----"\nFOOTER = "-----END PRIVATE KEY-----"',
        'client = Client(key="AKIAIOSFODNN7EXAMPLE")',
        'password = "hunter2"\nsecret_key = os.environ["SECRET_KEY"]',
        'headers = {"Authorization": "Bearer " + token}',
        'TOKEN = "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
        'url = "https://user:password@example.org/path"',
        'digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
        'commit = "d04a676bb1e27dd5a2d1b4d2f1b2c3d4e5f60718"',
        'bases = "GATTACAGATTACAASIAGATTACAGATTACAGATTACA"',
        'data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"',
    ],
)
def test_ordinary_code_holds_none(code: str) -> None:
    assert secret_in(code) is None


def test_no_false_alarm_in_the_standard_library() -> None:
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    assert len(files) > 100
    assert [file.name for file in files if secret_in(file.read_text(errors="replace")) is not None] == []
