"""Rows from records: a record's keys say whether it is a conversation, a question with its answer, or plain text."""

from __future__ import annotations

from typing import Any

from astrarium.core.errors import DataError
from astrarium.data.rows import Message, Row, unwritable

_ROLES = ("system", "user", "assistant")
_LICENCE_COLUMNS = ("licence", "license")


def row_of(at: str, record: Any, prompt_column: str = "prompt", completion_column: str = "completion") -> Row:
    """A record as a row.

    A record with `messages` is a conversation; one with the two columns is a question with its answer, or with `suffix`
    too a middle to fill in; one with `text` is plain text. Where the columns are named otherwise than by default, they
    alone count. A column that is null counts as absent where the record has another form.

    Args:
        at: where it stands, for messages.
        record: any JSON value.
        prompt_column: the column with the prompts.
        completion_column: the column with the completions.

    Raises:
        DataError: no such record; the message begins with `at`.
    """
    named = (prompt_column, completion_column) != ("prompt", "completion")
    if not isinstance(record, dict):
        raise DataError(
            f"{at}: a row is a {name_of(record)}; expected an object with {prompt_column!r} and {completion_column!r}"
            + ("" if named else ", with 'messages', or with 'text'")
        )
    there = {column for column, value in record.items() if value is not None}
    if not named and "messages" in there:
        row = _conversation(at, record["messages"])
    elif not named and "text" in there and not there & {prompt_column, completion_column}:
        row = {"prompt": "", "completion": _text(at, record, "text"), "source": at}
    elif not named and record.get("suffix") not in (None, "") and {prompt_column, completion_column} <= there:
        row = _middle(at, record)
    else:
        row = _answered(at, record, prompt_column, completion_column, named)
    return _described(row, record)


def name_of(value: Any) -> str:
    """The kind of a JSON value, in a word."""
    names = {dict: "object", list: "list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "number" if isinstance(value, int | float) else type(value).__name__)


def _answered(at: str, record: dict[Any, Any], prompt_column: str, completion_column: str, named: bool) -> Row:
    for column in (prompt_column, completion_column):
        if column not in record:
            columns = ", ".join(map(repr, record)) or "none"
            other = "" if named else "; 'messages' or 'text' would do too"
            raise DataError(
                f"{at}: no column {column!r}; found {columns} "
                f"(name others with --prompt-column, --completion-column{other})"
            )
    prompt, completion = (_text(at, record, column) for column in (prompt_column, completion_column))
    return {"prompt": prompt, "completion": completion, "source": at}


def _middle(at: str, record: dict[Any, Any]) -> Row:
    before = _text(at, record, "prompt", blank=True)
    after = _text(at, record, "suffix", blank=True)
    return {"prompt": before, "completion": _text(at, record, "completion"), "source": at, "suffix": after}


def _conversation(at: str, value: Any) -> Row:
    if not isinstance(value, list):
        raise DataError(f"{at}: column 'messages' holds a {name_of(value)}; expected a list of messages")
    messages = [_message(f"{at}: message {number}", message) for number, message in enumerate(value, 1)]
    turns = messages[1:] if messages and messages[0]["role"] == "system" else messages
    begin = len(messages) - len(turns)
    for number, turn in enumerate(turns):
        expected = ("user", "assistant")[number % 2]
        if turn["role"] != expected:
            raise DataError(
                f"{at}: message {begin + number + 1} is the {turn['role']}'s; expected the {expected}'s "
                "(user and assistant in turn, after at most one system message)"
            )
    if len(turns) < 2 or len(turns) % 2:
        end = f"the last of {len(messages)} messages is the {messages[-1]['role']}'s" if messages else "it is empty"
        raise DataError(f"{at}: column 'messages' has no answer at its end ({end}); expected the assistant's")
    return {"prompt": turns[-2]["content"], "completion": turns[-1]["content"], "source": at, "messages": messages}


def _message(at: str, value: Any) -> Message:
    if not isinstance(value, dict):
        raise DataError(f"{at} is a {name_of(value)}; expected an object with 'role' and 'content'")
    for key in ("role", "content"):
        if key not in value:
            raise DataError(f"{at} has no {key!r}; found {', '.join(map(repr, value)) or 'none'}")
    role = value["role"]
    if role not in _ROLES:
        shown = repr(role[:40]) if isinstance(role, str) else f"a {name_of(role)}"
        raise DataError(f"{at} has the role {shown}; expected {', '.join(_ROLES)}")
    return {"role": role, "content": _checked(f"{at}, 'content',", value["content"])}


def _text(at: str, record: dict[Any, Any], column: str, *, blank: bool = False) -> str:
    return _checked(f"{at}: column {column!r}", record[column], blank=blank)


def _checked(at: str, value: Any, *, blank: bool = False) -> str:
    if not isinstance(value, str):
        raise DataError(f"{at} holds a {name_of(value)}; expected text")
    if not blank and not value.strip():
        raise DataError(f"{at} is empty")
    if (fault := unwritable(value)) is not None:
        raise DataError(f"{at} holds {fault}; expected plain text")
    return value


def _described(row: Row, record: dict[Any, Any]) -> Row:
    """The row with what its record says about it, where that can be used."""
    if (source := _label(record, "source")) is not None:
        row["source"] = source
    if (language := _label(record, "language")) is not None:
        row["language"] = language
    licences = (_label(record, column) for column in _LICENCE_COLUMNS)
    if (licence := next((found for found in licences if found is not None), None)) is not None:
        row["licence"] = licence
    return row


def _label(record: dict[Any, Any], column: str) -> str | None:
    value = record.get(column)
    return value if isinstance(value, str) and value and unwritable(value) is None else None
