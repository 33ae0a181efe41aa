"""Private keys and tokens in a text.

Tokens of a form of their own are found by detect-secrets' detectors (https://github.com/Yelp/detect-secrets). Its
guesses (keywords, entropy, addresses) are left out, because they take ordinary code for secrets; so are two detectors
whose patterns are too short to mean anything in code. A private key counts only with its body: programs that read keys
hold the header. What a detector found is named and never shown.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_DETECTORS = {
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "ibm_cos_hmac": "IbmCosHmacDetector",
    "jwt": "JwtTokenDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "openai": "OpenAIDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
}
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\"'+,\\]|\\[nr]|[A-Za-z-]+: [^\n\\]*)*(?:[A-Za-z0-9+/=]{16,}(?:[\s\"'+,\\]|\\[nr])*){2,}"
)
_MORE = {
    "GitHub Token": re.compile(r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    "Google API Key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    "Hugging Face Token": re.compile(r"\bhf_[A-Za-z]{34}\b"),
    "Anthropic Key": re.compile(r"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{80,}"),
    "Twilio Key": re.compile(r"\b(?:AC|SK)[0-9a-f]{32}\b"),
}
"""Forms that detect-secrets does not know, or that it takes too widely."""
_EXAMPLE = re.compile(r"example|dummy|placeholder|x{6}|0{8}|1234567|abcdefg", re.IGNORECASE)
"""In a token that is shown for its form, such as AWS's own AKIAIOSFODNN7EXAMPLE."""
_AWS_KEY = re.compile(r"[A-Z0-9]{20}")
_ONE_CHARACTER = re.compile(r"(.)\1{9}")
_SHORTEST = re.compile(r"[\w+/=.:-]{16}")
"""Nothing shorter in one piece is a secret of these forms."""


def secret_in(text: str) -> str | None:
    """What kind of secret a text holds, such as `AWS Access Key`; None where it holds none.

    Source: the detectors named at the top of this file.
    """
    if _PRIVATE_KEY.search(text) is not None:
        return "Private Key"
    for kind, pattern in _MORE.items():
        if any(not _is_example(found.group(0)) for found in pattern.finditer(text)):
            return kind
    for line in text.splitlines():
        if _SHORTEST.search(line) is None:
            continue
        for detector in _detectors():
            # What a detector gives back may be a part of the secret (of a GitHub token, its first letters).
            if any(detector.analyze_string(line)) and _shows_secret(detector, line):
                return str(detector.secret_type)
    return None


def _shows_secret(detector: Any, line: str) -> bool:
    found = [match.group(0) for pattern in detector.denylist for match in pattern.finditer(line)]
    return any(_is_whole(value, line) and not _is_example(value) for value in found)


def _is_whole(value: str, line: str) -> bool:
    """Whether what was found is no piece of a longer word: AWS's twenty capitals occur in any long run of capitals."""
    if not _AWS_KEY.fullmatch(value):
        return True
    return re.search(rf"(?<![A-Za-z0-9]){value}(?![A-Za-z0-9])", line) is not None


def _is_example(value: str) -> bool:
    return _EXAMPLE.search(value) is not None or _ONE_CHARACTER.search(value) is not None


@cache
def _detectors() -> tuple[Any, ...]:
    from importlib import import_module

    return tuple(
        getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in _DETECTORS.items()
    )
