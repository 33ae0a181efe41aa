"""Text from files and pipes, as UTF-8 whatever the locale says."""

from __future__ import annotations

from pathlib import Path

from astrarium.core.errors import TextError


def read_utf8(file: Path) -> str:
    """The text of a file.

    Raises:
        TextError: it cannot be read, or is no UTF-8 text.
    """
    try:
        raw = file.expanduser().read_bytes()
    except OSError as error:
        raise TextError(f"{file} cannot be read: {error.strerror or error}") from error
    return from_utf8(raw, str(file)).replace("\r\n", "\n").replace("\r", "\n")


def from_utf8(raw: bytes, name: str) -> str:
    """Bytes as text.

    Args:
        raw: the bytes.
        name: where they come from, for the message.

    Raises:
        TextError: they are no UTF-8 text.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(f"{name} is no UTF-8 text: {error.reason} at byte {error.start}") from error
