"""Licences: what texts, headings and descriptions state, and which leave a way to use the code."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

from astrarium.core.errors import DataError
from astrarium.data import NO_FILTERS, PERMISSIVE, Filters, commits, filter_rows, functions
from astrarium.data.filters.licences import expression_of, heading, identify, known_licence, permits
from tests.data.repositories import Repository
from tests.data.test_odd_repositories import BEFORE, SUBJECT

CODE = 'def {name}(x):\n    """Compute the {name} of a number."""\n    y = x * {number}\n    return y + {number}\n'
GPL = """\
# This program is free software: you can redistribute it and/or modify
# it under the terms of the GNU General Public License as published by
# the Free Software Foundation, either version 3 of the License.

"""
BUNDLES = {"typing_extensions", "python-dateutil", "numpy", "scipy", "mypy", "librt", "pillow"}
"""typing_extensions ships CPython's whole licence, dateutil two licences; the wheels of the others hold more code."""


def test_texts_of_installed_packages_are_what_their_descriptions_say() -> None:
    """Every licence file of a package whose description names one simple licence."""
    seen, wrong = set(), []
    for package in importlib.metadata.distributions():
        declared = package.metadata.get("License-Expression") or ""
        files = [
            file
            for file in package.files or []
            if re.search(r"\.dist-info/(?:licenses/)?LICEN[CS]E(?:\.\w+)?$", str(file))
        ]
        if not re.fullmatch(r"[\w.-]+", declared) or len(files) != 1:
            continue
        found = identify(Path(str(package.locate_file(files[0]))).read_text(errors="replace"))
        seen.add(declared)
        if found != declared and package.name not in BUNDLES:
            wrong.append((package.name, declared, found))
    assert {"MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "MPL-2.0"} <= seen
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "GPL-2": "GPL-2.0-only",
        "GPL-3": "GPL-3.0-only",
        "LGPL-2.1": "LGPL-2.1-only",
        "MPL-2.0": "MPL-2.0",
        "Apache-2.0": "Apache-2.0",
        "BSD": "BSD-3-Clause",
        "Artistic": "Artistic-1.0-Perl",
        "CC0-1.0": "CC0-1.0",
    }.items(),
)
def test_texts_that_debian_ships(name: str, expected: str) -> None:
    path = Path("/usr/share/common-licenses") / name
    if not path.is_file():
        pytest.skip("not Debian")
    assert identify(path.read_text(errors="replace")) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("# SPDX-License-Identifier: GPL-2.0\nimport os\n", "GPL-2.0-only"),
        ("/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */\nint x;\n", "MIT OR GPL-2.0-only"),
        (GPL + "import os\n", "GPL-3.0-or-later"),
        ('"""Doc.\n\nLicensed under the Apache License, Version 2.0 (the "License").\n"""\n', "Apache-2.0"),
        ("// Copyright 2009. Use of this source code is governed by a BSD-style licence.\npackage a\n", None),
        ('import os\nTEXT = "SPDX-License-Identifier: GPL-3.0-only"\n', None),
        ("#!/bin/env python\n# -*- coding: utf-8 -*-\n\n# MPL: https://mozilla.org/MPL/2.0/.\n", "MPL-2.0"),
    ],
)
def test_headings_of_files(code: str, expected: str | None) -> None:
    assert identify(heading(code)) == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("mit", "MIT"),
        ("MIT License", "MIT"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("UNLICENSED", "LicenseRef-Proprietary"),
        ("GPLv3+", "LicenseRef-GPLv3"),
        ("SEE LICENSE IN LICENSE.md", None),
        ("", None),
    ],
)
def test_descriptions_of_packages(declared: str, expected: str | None) -> None:
    assert expression_of(declared) == expected


@pytest.mark.parametrize(
    ("expression", "allowed", "expected"),
    [
        ("MIT OR GPL-3.0-only", (), True),
        ("MIT AND GPL-3.0-only", (), False),
        ("MIT AND GPL-3.0-only", ("GPL-3.0-only",), True),
        ("Apache-2.0 WITH LLVM-exception", (), True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", (), False),
        ("(MIT OR GPL-2.0-only) AND (BSD-3-Clause OR MPL-2.0)", (), True),
        ("LGPL-2.1-only", (), False),
        ("no expression (", (), False),
        ("LicenseRef-Ours", ("LicenseRef-Ours",), True),
    ],
)
def test_what_permits(expression: str, allowed: tuple[str, ...], expected: bool) -> None:
    assert permits(expression, PERMISSIVE | set(allowed)) is expected


def test_names_that_are_no_licence() -> None:
    assert known_licence("gpl-3.0-only") == "GPL-3.0-only"
    with pytest.raises(DataError, match=r"licence 'GPLv9' is none of SPDX's names .*; near it: GPL"):
        filter_rows([], Filters(allow_licences=("GPLv9",)))


def test_every_permissive_name_is_one_of_spdx() -> None:
    assert {known_licence(name) for name in PERMISSIVE} == PERMISSIVE


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A repository under MIT, with a vendored folder under the GPL's text, and a file with a heading of its own."""
    made = Repository(tmp_path / "work")
    made.commit(
        "Begin",
        {
            "pyproject.toml": '[project]\nname = "a"\nlicense = "MIT"\n',
            "a.py": CODE.format(name="square", number=2),
            "copied/COPYING": "GNU GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007\n",
            "copied/deep/b.py": CODE.format(name="weight", number="len(str(x).strip())"),
            "c.py": GPL + CODE.format(name="height", number="x.bit_length()"),
            "odd/LICENSE": "Only on Sundays.\n",
            "odd/d.py": CODE.format(name="length", number="min(x, 10)"),
            "broken/package.json": "{",
            "broken/e.py": CODE.format(name="width", number="max(x, 10)"),
        },
    )
    return made.path


def test_the_nearest_statement_counts(mixed: Path) -> None:
    rows = functions(mixed, filters=NO_FILTERS)
    assert {row["source"].split(":")[0]: row.get("licence") for row in rows} == {
        "a.py": "MIT",
        "broken/e.py": "MIT",
        "c.py": "GPL-3.0-or-later",
        "copied/deep/b.py": "GPL-3.0-only",
        "odd/d.py": "LicenseRef-Unknown",
    }
    assert functions(mixed / "copied" / "deep", filters=NO_FILTERS)[0]["licence"] == "GPL-3.0-only"


def test_licences_that_are_not_permissive_are_dropped_and_named(mixed: Path) -> None:
    report = functions(mixed).report
    assert dict(report.licences) == {"MIT": 2}
    assert dict(report.dropped) == {
        f"under a licence that is not permissive ({name})": 1
        for name in ("GPL-3.0-or-later", "GPL-3.0-only", "LicenseRef-Unknown")
    }
    assert len(functions(mixed, filters=Filters(allow_licences=("gpl-3.0-only", "LicenseRef-Unknown")))) == 4
    assert len(functions(mixed, filters=Filters(any_licence=True))) == 5


def test_code_without_a_licence_is_kept_and_said(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CODE.format(name="square", number=2))
    assert functions(tmp_path).report.notes == [
        "no licence was found for 1 of 1 rows; they are kept (--licensed-only drops them)"
    ]
    with pytest.raises(DataError, match="gave no rows: 1 looked at, 0 kept; left out: 1 without a licence"):
        functions(tmp_path, filters=Filters(licensed_only=True))


def test_a_history_has_the_licence_of_its_newest_commit(tmp_path: Path) -> None:
    made = Repository(tmp_path)
    made.commit("Begin", {"hello.py": BEFORE, "src/b.py": BEFORE})
    made.commit(SUBJECT, {"hello.py": f"{BEFORE}# 1\n"})
    made.commit("Name the licence at the top", {"hello.py": f"# SPDX-License-Identifier: MPL-2.0\n{BEFORE}"})
    made.commit("Begin again", {"LICENSE": "GNU GENERAL PUBLIC LICENSE Version 2, June 1991\n"})
    rows = commits(tmp_path, filters=NO_FILTERS)
    assert [row.get("licence") for row in rows] == ["MPL-2.0", "GPL-2.0-only"]
    with pytest.raises(DataError, match="1 under a licence that is not permissive .GPL-2.0-only."):
        commits(tmp_path)
