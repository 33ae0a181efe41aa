"""What every error has in common."""

from astrarium.core.errors import AdapterError, CorruptFileError


def test_a_message_is_one_line_whatever_names_it_holds() -> None:
    error = CorruptFileError("tensor a\nb\x1b[31m\u2028c is corrupt; größer, „so“ …")
    assert str(error) == "tensor a\\nb\\x1b[31m\\u2028c is corrupt; größer, „so“ …"
    assert str(AdapterError("plain")) == "plain"
