"""Documented functions of every language: what is found, how it is cut out, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrarium.core.errors import DataError
from astrarium.data import NO_FILTERS, FunctionLimits, Rows, commits, functions
from astrarium.data.languages import LANGUAGES, language_named
from astrarium.data.tree_code import functions_in
from tests.data.repositories import Repository

JAVASCRIPT = """/**
 * Counts the words of a text.
 * @param {string} text - any text
 */
export function words(text) {
  const parts = text.split(' ');
  return parts.filter(Boolean).length;
}

/** Makes a page out of a title. */
const page = async (title) => {
  const text = `
  <h1>${title}</h1>`;
  return text + await foot(title);
};

/** Says how much is left over. */
exports.left = function (a) {
  const b = a - 1;
  return b * 2;
};

class Lamp {
  /** Turns the lamp on again. */
  on(power) {
    this.power = power;
    return this;
  }
}

// Has no documentation at all.
function bare(a) {
  const b = a;
  return b;
}
"""
TYPESCRIPT = """namespace Inner {
    /** Picks the first one of a kind. */
    export function first<T>(of: T[], kind: string): T | undefined {
        const found = of.filter((one) => typeof one === kind);
        return found[0];
    }
}
"""
JAVA = """package a;

class Sums {
    /**
     * Adds up the {@code numbers} of a <b>list</b>.
     *
     * @param numbers what to add up
     */
    @Deprecated
    public static int sum(List<Integer> numbers)
            throws Odd {
        int all = 0;
        for (int one : numbers) { all += one; }
        return all;
    }

    /** Gives the size of this one. */
    int size() {
        int many = this.all.length;
        return many;
    }
}
"""
GO = """package a

// Join joins the words with a dash.
// It leaves out empty ones.
//
//go:noinline
func Join(words []string) (string, error) {
	kept := keep(words)
	return strings.Join(kept, "-"), nil
}

// Len is the length of the list.
func (l *List) Len() int {
	n := l.n
	return n
}

// Stub is not there as yet.
func Stub() {
	panic("not there")
}
"""
CPP = """// Copyright 2024 Somebody. All rights reserved.
namespace a {

/// Finds the largest of them.
/// Nothing else is looked at.
template <typename T>
static T largest(const std::vector<T>& of) {
    T best = of[0];
    for (const T& one : of) best = std::max(best, one);
    return best;
}

// int old(int a) { return a; }
int twice(int a) {
    int b = a * 2;
    return b;
}

/** @brief Turns the wheel a bit */
void Wheel::turn(int by) {
    angle += by;
    angle %= 360;
}
}
"""
RUST = """/// Keeps the even numbers of a slice.
///
/// # Examples
/// ```
/// even(&[1]);
/// ```
#[must_use]
pub fn even(of: &[i32]) -> Vec<i32>
where
    i32: Copy,
{
    let kept = of.iter().filter(|one| *one % 2 == 0);
    kept.copied().collect()
}

impl Lamp {
    /// Turns the lamp on again.
    pub fn on(&mut self) {
        self.power = 1;
        self.since = now();
    }
}

#[cfg(test)]
mod tests {
    /// Helps with the tests below.
    fn helper() {
        let a = 1;
        go(a);
    }
}
"""
FILES = {
    "lib/a.js": JAVASCRIPT,
    "lib/b.ts": TYPESCRIPT,
    "src/Sums.java": JAVA,
    "c.go": GO,
    "d.cpp": CPP,
    "e.rs": RUST,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, code in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code)
    return tmp_path


def mined(folder: Path, **limits: object) -> Rows:
    return functions(folder, FunctionLimits(**limits), filters=NO_FILTERS)  # type: ignore[arg-type]


def test_what_is_found_of_each_language(folder: Path) -> None:
    rows = mined(folder)
    assert [(row["language"], row["source"], row["prompt"].removeprefix("Please write a ")) for row in rows] == [
        ("go", "c.go:7", "function in Go named `Join` with the signature `func Join(words []string) (string, error)`. "
         "Join joins the words with a dash. It leaves out empty ones."),
        ("c++", "d.cpp:7", "function in C++ named `largest` with the signature "
         "`static T largest(const std::vector<T>& of)`. Finds the largest of them. Nothing else is looked at."),
        ("rust", "e.rs:8", "function in Rust named `even` with the signature "
         "`pub fn even(of: &[i32]) -> Vec<i32> where i32: Copy,`. Keeps the even numbers of a slice."),
        ("javascript", "lib/a.js:5", "function in JavaScript named `words` with the signature "
         "`function words(text)`. Counts the words of a text."),
        ("javascript", "lib/a.js:11", "function in JavaScript named `page` with the signature "
         "`const page = async (title)`. Makes a page out of a title."),
        ("javascript", "lib/a.js:18", "function in JavaScript named `left` with the signature "
         "`exports.left = function (a)`. Says how much is left over."),
        ("typescript", "lib/b.ts:3", "function in TypeScript named `first` with the signature "
         "`function first<T>(of: T[], kind: string): T | undefined`. Picks the first one of a kind."),
        ("java", "src/Sums.java:9", "method in Java named `sum` with the signature "
         "`public static int sum(List<Integer> numbers) throws Odd`. Adds up the `numbers` of a list."),
    ]  # fmt: skip
    assert dict(rows.report.dropped) == {"a method": 5, "without a docstring": 2, "trivial or a stub": 1, "a test": 1}


def test_functions_are_cut_out_whole_and_without_their_indentation(folder: Path) -> None:
    code = {row["source"]: row["completion"] for row in mined(folder)}
    assert code["lib/b.ts:3"].startswith("export function first<T>(")
    assert code["lib/b.ts:3"].endswith(";\n    return found[0];\n}")
    assert code["src/Sums.java:9"].startswith(
        "@Deprecated\npublic static int sum(List<Integer> numbers)\n        throws"
    )
    assert code["e.rs:8"].startswith("#[must_use]\npub fn even")
    assert code["d.cpp:7"].startswith("template <typename T>\nstatic T largest")
    assert code["lib/a.js:11"].split("\n")[1:3] == ["  const text = `", "  <h1>${title}</h1>`;"]


def test_methods_are_taken_when_they_are_asked_for(folder: Path) -> None:
    without, together = mined(folder), mined(folder, methods=True)
    assert {row["source"] for row in together} - {row["source"] for row in without} == {
        "c.go:13", "d.cpp:20", "e.rs:18", "lib/a.js:25", "src/Sums.java:18",
    }  # fmt: skip


def test_languages_that_are_asked_for(folder: Path) -> None:
    assert dict(mined(folder, languages=("rust", "ts")).report.languages) == {"rust": 1, "typescript": 1}
    with pytest.raises(DataError, match=r"has no Python files \(looked for Python\)"):
        mined(folder, languages=("python",))
    with pytest.raises(DataError, match="language 'cobol' is not known; known are python, javascript"):
        mined(folder, languages=("cobol",))


def test_literals_keep_their_lines() -> None:
    code = 'mod a {\n    /// Says it.\n    fn say() {\n        let a = "x\n    y";\n        put(a);\n    }\n}\n'
    (found,) = functions_in(code.encode(), "a.rs", language_named("rust"))
    assert found.cut() == 'fn say() {\n    let a = "x\n    y";\n    put(a);\n}'


def test_code_that_does_not_parse_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(JAVASCRIPT.replace("const parts =", "const parts = ="))
    rows = functions(tmp_path, filters=NO_FILTERS)
    assert rows.report.dropped["that does not parse"] == 1
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("name", "head", "reason"),
    [
        ("a_test.go", "", "of tests"),
        ("__tests__/a.js", "", "of tests"),
        ("a.spec.ts", "", "of tests"),
        ("src/test/java/A.java", "", "of tests"),
        ("SumsTest.java", "", "of tests"),
        ("contest.go", "", None),
        ("node_modules/x/a.js", "", "vendored"),
        ("third_party/a.cc", "", "vendored"),
        ("a.pb.go", "", "generated"),
        ("a.min.js", "", "generated"),
        ("a.go", "// Code generated by a tool. DO NOT EDIT.\n", "generated"),
        ("a.js", "var x = '" + "y" * 3000 + "';\n", "packed"),
        ("a.rs", "\xff", "that does not parse"),
    ],
)
def test_files_that_are_passed_over(name: str, head: str, reason: str | None, tmp_path: Path) -> None:
    codes = {"js": JAVASCRIPT, "ts": TYPESCRIPT, "java": JAVA, "go": GO, "cc": CPP, "rs": RUST}
    made = Repository(tmp_path)
    content = (head + codes[name.rpartition(".")[2]]).encode("latin-1")
    made.commit("Begin", {name: content, "good.rs": RUST.replace("even", "odd").replace("% 2 == 0", "% 2 == 1")})
    report = functions(tmp_path, filters=NO_FILTERS).report
    assert dict(report.files) == ({} if reason is None else {reason: 1})


@given(code=st.text(max_size=300) | st.sampled_from(list(FILES.values())), data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_text_is_read(code: str, data: st.DataObject) -> None:
    content = bytearray(code.encode("utf-8", "surrogatepass"))
    for _ in range(data.draw(st.integers(0, 5)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for name in LANGUAGES[1:]:
        for found in functions_in(bytes(content), "a.x", language_named(name)):
            assert found.line >= 1
            assert isinstance(found.cut(), str)
            assert found.body().startswith("sha256:")


def test_commits_of_every_language(tmp_path: Path) -> None:
    made = Repository(tmp_path)
    made.commit("Begin", {"a.go": GO, "b.rs": RUST, "c.md": GO})
    made.commit("Use another sign between the words", {"a.go": GO.replace('"-"', '"+"')})
    made.commit("Keep the odd ones among them", {"b.rs": RUST.replace("== 0", "== 1")})
    made.commit("Use another sign between the words", {"c.md": GO.replace('"-"', '"+"')})
    rows = commits(tmp_path)
    assert [row["language"] for row in rows] == ["rust", "go"]
    assert rows.report.dropped["no code"] == 1
