"""Options of a command line: what the script says that they are where nobody says anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astrarium.explain.values import UNKNOWN, Class, Const, Instance, Items, Parser, Value, constant, options

if TYPE_CHECKING:
    from astrarium.explain.events import Event


def parser_of(event: Event) -> Parser:
    """`ArgumentParser(…)` or `HfArgumentParser(classes)`."""
    given = event.value("dataclass_types", 0)
    listed = given.items if isinstance(given, Items) else [given]
    return Parser({}, [one for one in listed if isinstance(one, Class)])


def namespace(values: dict[str, Value]) -> Instance:
    """An object that is nothing but its attributes."""
    found = Instance(Class("Namespace", []))
    found.attributes = dict(values)
    return found


def parser_method(event: Event, parser: Parser, name: str) -> Value:
    """A method of a parser."""
    event.name = f"argparse.ArgumentParser.{name}"
    if name == "add_argument":
        _add(event, parser)
        return UNKNOWN
    if name == "set_defaults":
        parser.defaults.update({one.name: one.value for one in event.arguments if one.name not in (None, "*", "**")})
        return UNKNOWN
    if name in ("parse_args", "parse_intermixed_args"):
        return namespace(parser.defaults)
    if name == "parse_known_args":
        return Items([namespace(parser.defaults), UNKNOWN])
    return parser if name.startswith("add_") else UNKNOWN


def _add(event: Event, parser: Parser) -> None:
    flags = [constant(one.value) for one in event.arguments if one.name is None]
    names = [flag for flag in flags if isinstance(flag, str)]
    said = event.constant("dest")
    long = next((name for name in names if name.startswith("--")), names[0] if names else "")
    key = said if isinstance(said, str) else long.lstrip("-").replace("-", "_")
    default = event.value("default")
    # an option without a default is None, and only one that is given is used
    known = [one for one in options(default) if not (isinstance(one, Const) and one.value is None)]
    parser.defaults[key] = default if len(known) == len(options(default)) else UNKNOWN
