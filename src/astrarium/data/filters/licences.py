"""Which licence a text states, and whether it is permissive. Names are SPDX's (https://spdx.org/licenses)."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Any

from astrarium.core.errors import DataError

_PERMISSIVE = """
0BSD Apache-2.0 BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSL-1.0
bzip2-1.0.6 CC-BY-4.0 CC0-1.0 CNRI-Python curl ECL-2.0 HPND ISC Libpng MIT MIT-0 MIT-CMU MulanPSL-2.0 NCSA NTP
PostgreSQL PSF-2.0 Python-2.0 Unicode-3.0 Unicode-DFS-2016 Unlicense UPL-1.0 WTFPL X11 Zlib
"""
PERMISSIVE = frozenset(_PERMISSIVE.split())
"""Licences that ask for no more than a notice. Copyleft, weak copyleft (LGPL, MPL, EPL) and non-commercial ones are not
among them."""

_SPDX = re.compile(r"SPDX-License-Identifier:\s*([^\n\r*/#]+)", re.IGNORECASE)
_TITLES = (
    ("AGPL-3.0-only", r"gnu affero general public license,? version 3"),
    ("LGPL-3.0-only", r"gnu lesser general public license,? version 3"),
    ("LGPL-2.1-only", r"gnu lesser general public license,? version 2\.1"),
    ("LGPL-2.0-only", r"gnu library general public license,? version 2"),
    ("GPL-3.0-only", r"gnu general public license,? version 3"),
    ("GPL-2.0-only", r"gnu general public license,? version 2"),
    ("MPL-2.0", r"mozilla public license,? version 2\.0"),
    ("MPL-1.1", r"mozilla public license,? version 1\.1"),
    ("EPL-2.0", r"eclipse public license -? ?v ?2\.0"),
    ("EPL-1.0", r"eclipse public license -? ?v ?1\.0"),
    ("EUPL-1.2", r"european union public licence v\. 1\.2"),
    ("Apache-2.0", r"apache license,? version 2\.0"),
    ("SSPL-1.0", r"server side public license"),
    ("BUSL-1.1", r"business source license 1\.1"),
    ("Elastic-2.0", r"elastic license 2\.0"),
    ("CC-BY-NC-SA-4.0", r"attribution-noncommercial-sharealike 4\.0"),
    ("CC-BY-NC-4.0", r"attribution-noncommercial 4\.0"),
    ("CC-BY-SA-4.0", r"attribution-sharealike 4\.0"),
    ("CC-BY-4.0", r"attribution 4\.0 international"),
    ("CC0-1.0", r"cc0 1\.0 universal"),
    ("Artistic-2.0", r"the artistic license 2\.0"),
    ("Artistic-1.0-Perl", r"the \"?artistic license\"? preamble"),
    ("BSL-1.0", r"boost software license - version 1\.0"),
    ("Python-2.0", r"a\. history of the software"),
)
"""How full texts begin. They may name other licences further on, as MPL-2.0 names the GPL."""
_TITLE_REACH = 300
_NOTICES = (
    ("AGPL-3.0-or-later", r"gnu affero general public license"),
    ("LGPL-3.0-or-later", r"gnu lesser general public license.{0,120}version 3"),
    ("LGPL-2.1-or-later", r"gnu (?:lesser|library) general public license"),
    (
        "GPL-3.0-or-later",
        r"(?:the terms of|under|of) the gnu general public license(?:,? as published by.{0,90})?,?"
        r".{0,40}(?:version|v) ?3",
    ),
    (
        "GPL-2.0-or-later",
        r"terms of (?:version 2 of )?the gnu (?:general public license|gpl)"
        r"|(?:under|by) the gnu (?:general public license|gpl),? ?\(?(?:version|v) ?2",
    ),
    ("MPL-2.0", r"terms of the mozilla public license, v\. 2\.0|mozilla\.org/mpl/2\.0"),
    ("EPL-2.0", r"terms of the eclipse public license (?:v\. |v)?2\.0"),
    ("CDDL-1.0", r"common development and distribution license"),
    ("Apache-2.0", r"licensed under the apache license,? version 2|apache\.org/licenses/license-2\.0"),
    ("BSL-1.0", r"distributed under the boost software license"),
    ("Unlicense", r"free and unencumbered software released into the public domain"),
    ("WTFPL", r"do what the fuck you want to public license"),
    ("PSF-2.0", r"psf license agreement|python software foundation license version 2"),
    ("LicenseRef-Commons-Clause", r"commons clause"),
    ("LicenseRef-Proprietary", r"proprietary and confidential|unauthorized copying of this file"),
)
_MIT = r"permission is hereby granted, free of charge, to any person"
_ISC = r"permission to use, copy, modify,? and/?(?:or)? ?distribute this software .{0,60}fee is hereby granted"
_GRANTS = (
    ("X11", rf"{_MIT}.*of the x consortium shall not be used"),
    ("MIT", rf"{_MIT}.*this permission notice.{{0,40}}shall be included"),
    ("MIT-0", _MIT),
    ("MIT", r"(?:released|licensed|distributed|available|is|provided) under the (?:terms of the )?mit license"),
    ("MIT", r"^mit license"),
    ("ISC", rf"{_ISC}, provided"),
    ("0BSD", rf"{_ISC}\."),
    ("HPND", r"permission to use, copy, modify,? and distribute this software and its documentation"),
    ("Zlib", r"provided .{0,3}as-is.{0,3}, without any express or implied warranty.*must not be misrepresented"),
)
_BSD = re.compile(r"redistributions? of source code must retain", re.IGNORECASE)
_ELSEWHERE = re.compile(r"see licen[cs]e|licen[cs]e\b.*\.(?:md|txt)$|file:", re.IGNORECASE)
UNKNOWN = "LicenseRef-Unknown"
"""Of a licence file whose text is none that is known."""
_MARKS = " \t\r/*#;%<>!|=_-"
"""Of comments, at both ends of a line."""
_SPDX_REACH = 4000


def identify(text: str) -> str | None:
    """The licences that a text states, as an SPDX expression; None where it states none that is known.

    Full texts are known by their beginning, others by the words of their grant. Several of them are joined with `AND`.
    """
    if (spdx := _SPDX.search(text[:_SPDX_REACH])) is not None:
        return _normal(spdx.group(1).strip().strip("\"'").removesuffix("-->").strip())
    flat = " ".join(" ".join(line.strip(_MARKS) for line in text.splitlines()).split()).lower()
    # A title may follow the year and the holder, or a rule of dashes.
    for name, pattern in _TITLES:
        if re.search(pattern, flat[:_TITLE_REACH]):
            return name
    found = [name for name, pattern in _NOTICES if re.search(pattern, flat)]
    found = _without_repeats(found, "secondary license" in flat)
    grant = next((name for name, pattern in _GRANTS if re.search(pattern, flat)), None)
    found += [grant] if grant else []
    if _BSD.search(flat):
        found.append(_bsd(flat))
    return " AND ".join(dict.fromkeys(found)) or None


def expression_of(declared: str) -> str | None:
    """What a package's description declares, as an SPDX expression; None where it points elsewhere or is empty.

    `UNLICENSED` (npm's word for none at all) is `LicenseRef-Proprietary`; words that name no licence for certain, such
    as `BSD`, are a `LicenseRef` of their own, which is not permissive.
    """
    if declared.strip().upper() == "UNLICENSED":
        return "LicenseRef-Proprietary"
    licensing = _licensing()
    try:
        parsed = licensing.parse(declared, validate=True)
    except Exception:  # see permits
        if (found := identify(declared) or identify(f"licensed under the {declared}")) is not None:
            return found
        words = re.sub(r"[^A-Za-z0-9.]+", "-", declared).strip("-")[:60]
        return f"LicenseRef-{words}" if words and not _ELSEWHERE.match(declared.strip()) else None
    return str(parsed) if parsed is not None else None


def heading(code: str) -> str:
    """The comments that a file of code begins with, where it would state its licence."""
    lines, block = [], None
    for line in code.splitlines()[:80]:
        start = line.strip()
        if block is not None:
            lines.append(line)
            block = None if block in start else block
        elif start.startswith(("/*", '"""', "'''", "<!--")):
            end = {"/*": "*/", "<!": "-->"}.get(start[:2], start[:3])
            block = None if end in start[len(start[:3].rstrip("*")) :] else end
            lines.append(line)
        elif not start or start.startswith(("//", "#", ";", "--")):
            lines.append(line)
        else:
            break
    return "\n".join(lines)


def permits(expression: str, allowed: Collection[str]) -> bool:
    """Whether an SPDX expression leaves a way to use the code under licences that are allowed.

    `MIT OR GPL-3.0-only` needs one of the two, `MIT AND GPL-3.0-only` both; an exception (`WITH`) changes nothing. What
    is no SPDX expression permits nothing, unless it is allowed word by word.
    """
    if expression in allowed:
        return True
    licensing = _licensing()
    try:
        parsed = licensing.parse(expression)
    except Exception:  # license_expression and boolean.py raise a dozen types on what is no expression
        return False
    return parsed is not None and _holds(parsed, frozenset(allowed), licensing)


def known_licence(name: str) -> str:
    """SPDX's spelling of a licence that is to be allowed.

    Raises:
        DataError: no licence of that name, and no `LicenseRef-…`.
    """
    symbols = _licensing().known_symbols
    spelling = _spellings().get(name.lower())
    if spelling is None and not name.startswith("LicenseRef-"):
        near = [known for known in symbols if known.lower().startswith(name.lower()[:3])][:4]
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise DataError(f"licence {name!r} is none of SPDX's names (such as MIT or GPL-3.0-only){hint}")
    return spelling or name


def _holds(part: Any, allowed: frozenset[str], licensing: Any) -> bool:
    if isinstance(part, licensing.OR):
        return any(_holds(one, allowed, licensing) for one in part.args)
    if isinstance(part, licensing.AND):
        return all(_holds(one, allowed, licensing) for one in part.args)
    symbol = getattr(part, "license_symbol", part)
    return str(symbol.key) in allowed


def _normal(expression: str) -> str | None:
    """An expression in SPDX's spelling; as it stands where it is none."""
    try:
        parsed = _licensing().parse(expression)
    except Exception:  # see permits
        return expression or None
    return str(parsed) if parsed is not None else None


def _without_repeats(found: list[str], secondary: bool) -> list[str]:
    """Of the GNU licences only the first: the notices of one contain the words of the next; none that MPL-2.0 names."""
    gnu = [name for name in found if "GPL" in name]
    return [name for name in found if name not in (gnu if secondary else gnu[1:])]


def _bsd(flat: str) -> str:
    if "all advertising materials" in flat:
        return "BSD-4-Clause"
    if re.search(r"(?:neither the name|names? of .{0,80}may not be used to endorse)", flat):
        return "BSD-3-Clause"
    return "BSD-2-Clause" if re.search(r"redistributions? in binary form", flat) else "BSD-1-Clause"


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@cache
def _spellings() -> dict[str, str]:
    spellings: dict[str, str] = {}
    for key, symbol in _licensing().known_symbols.items():
        for name in (key, *getattr(symbol, "aliases", ())):
            spellings.setdefault(name.lower(), key)
    return spellings
