"""Which subjects of commits are instructions, by CommitPackFT's rules.

Source: CommitPackFT (OctoPack, arXiv 2308.07124, Tables 5 to 7; bigcode-project/octopack, `dataset/commitpackft/`).
Where this is stricter: a version is refused anywhere, not at the start alone; `Bump` and its like always, not nine
times in ten; `thanks to` with or without a `for`. Where it is laxer: there are more verbs, and the file's name counts
only as a word of its own, so that `test.py` does not forbid "latest".
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from astrarium.data.verbs import IMPERATIVES

MIN_CHARACTERS = 11
MAX_CHARACTERS = 999
MIN_WORDS = 5
_NOISE = (
    "auto commit", "update contributing", "<?xml", "merge branch", "merge pull request", "signed-off-by",
    "cherry picked from", "code review", "//codereview", "work in progress", "wip", "http://", "https://", "| leetcode",
    "cdpcp", "thanks to", "fix that bug where things didn't work but now they should",
    "put the thingie in the thingie", "add a beter commit message",
)  # fmt: skip
_NOISE_AT_START = ("merge ", 'revert "')
_REFERENCE = re.compile(r"#|\b(?:issue|bug|feature)\s*\d+|[0-9a-f]{40}", re.IGNORECASE)
_SHORTEST_NAME = 3
"""Of a file without its ending: `a.py` would forbid the word "a"."""
_FIRST_PERSON = re.compile(r"\bi\b(?!['’/.])|\bi['’](?:m|ve)\b", re.IGNORECASE)
_VERSION = re.compile(r"^(?:bump|set version|update version)\b|\bv?\d+\.\d+\.\d+\b", re.IGNORECASE)
_TAG = re.compile(r"\[(?:skip ci|ci skip)\]", re.IGNORECASE)


def cleaned(message: str) -> str:
    """A message's subject without tags in brackets at either end and without a leading `module:`."""
    lines = message.strip().splitlines()
    words = _TAG.sub("", lines[0]).split() if lines else []
    if words and words[0].startswith("[") and words[0].endswith("]"):
        words = words[1:]
    if words and words[0].endswith(":"):
        words = words[1:]
    if words and words[-1].startswith("[") and words[-1].endswith("]"):
        words = words[:-1]
    return " ".join(words)


def unfit(subject: str, path: str, min_words: int = MIN_WORDS, max_characters: int = MAX_CHARACTERS) -> str | None:
    """Why a cleaned subject is no instruction for the file `path`; None where it is one."""
    lower = subject.lower()
    if len(subject) < MIN_CHARACTERS or len(subject.split()) < min_words:
        return "too short a subject"
    if len(subject) > max_characters:
        return "too long a subject"
    if lower.startswith(_NOISE_AT_START) or any(noise in lower for noise in _NOISE) or _FIRST_PERSON.search(subject):
        return "noise in the subject"
    if not subject[0].isupper() or lower.split()[0] not in IMPERATIVES:
        return "no imperative subject"
    if _REFERENCE.search(subject) or _VERSION.search(subject):
        return "a reference or a version in the subject"
    return "the file's name in the subject" if _names(lower, path.lower()) else None


def _names(subject: str, path: str) -> bool:
    """Whether a subject names the file, with its ending or without."""
    file = PurePosixPath(path)
    name = file.stem if len(file.stem) >= _SHORTEST_NAME else file.name
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", subject) is not None
