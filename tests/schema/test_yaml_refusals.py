"""What the strict YAML layer refuses, and the exact words in which it does."""

from __future__ import annotations

import pytest
import yaml

from microgrid_opt.errors import InputError
from microgrid_opt.yamlio import grammar as grammar
from microgrid_opt.yamlio import loads


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with libyaml and with PyYAML's own parser: both must tell the user the same."""
    monkeypatch.setattr(grammar, "_LOADER", getattr(yaml, request.param))


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        loads(text, "p.yaml")
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            ["p.yaml:3:1: a: the key `a` stands twice (lines 1 and 3): remove or rename one"],
        ),
        (
            "x: {a: 1, a: 2}\n",
            [
                "p.yaml:1:11: x.a: the key `a` stands twice (line 1, columns 5 and 11): "
                "remove or rename one"
            ],
        ),
        (
            "assets:\n  roof: {type: pv}\n  roof: {type: wind}\nmembers:\n  m: {}\n  'm': {}\n",
            [
                "p.yaml:3:3: assets.roof: two assets have the id `roof` (lines 2 and 3): "
                "give each its own id",
                "p.yaml:6:3: members.m: two members have the id `m` (lines 5 and 6): "
                "give each its own id",
            ],
        ),
        (
            "5: 1\n2030-01-01: 2\ntrue: 3\n~: 4\n1_0: 5\n? [a]\n: 6\n? {b: 1}\n: 7\n",
            [
                'p.yaml:1:1: the key `5` is a number: write "5" in quotes',
                'p.yaml:3:1: the key `true` is true: write "true" in quotes',
                'p.yaml:4:1: the key `~` is nothing (null): write "~" in quotes',
                "p.yaml:5:1: `1_0` is refused, YAML readers disagree on underscores: "
                'write 10 for the number or "1_0" for the text',
                "p.yaml:6:3: a key must be text, not a list",
                "p.yaml:8:3: a key must be text, not a mapping",
            ],
        ),
        ("a:\n  ?\n  : 1\n", ["p.yaml:2:4: a: a key must be text, not nothing (null)"]),
        ("a: &x b\n*x : 1\n", ["p.yaml:2:1: a key must be text, not an alias"]),
        (
            "a: !!python/object:os.system {}\nb: !mine [1]\nc: !!str 5\n",
            [
                "p.yaml:1:4: a: the tag `!!python/object:os.system` is refused: "
                "write the value plainly, text in quotes",
                "p.yaml:2:4: b: the tag `!mine` is refused: write the value plainly, text in quotes",
                "p.yaml:3:4: c: the tag `!!str` is refused: write the value plainly, text in quotes",
            ],
        ),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            [
                "p.yaml:3:3: c: the merge key `<<` is refused: repeat the keys, use an anchor for a "
                "whole value (`a: &x 5`, `b: *x`), or write the difference as a scenario under "
                "`scenarios:`"
            ],
        ),
        (
            "a: &x [1, *x]\n",
            ["p.yaml:1:11: a.1: `*x` stands inside `&x`: it would never end"],
        ),
        (
            "a: &price 1\nb: *prise\nc: *q\n",
            [
                "p.yaml:2:4: b: no anchor `&prise` stands above this alias; did you mean `price`?",
                "p.yaml:3:4: c: no anchor `&q` stands above this alias; anchors above: price",
            ],
        ),
        (
            "a: 1\n---\nb: 2\n",
            ["p.yaml:2:1: a second document starts here: a file holds one; remove the `---`"],
        ),
        ("- a\n", ["p.yaml:1:1: the file must hold keys such as `assets:`, not a list"]),
        ("# c\nhello\n", ["p.yaml:2:1: the file must hold keys such as `assets:`, not text"]),
        ("", ["p.yaml: the file is empty: it must hold keys such as `assets:`"]),
        (" \n\n", ["p.yaml: the file is empty: it must hold keys such as `assets:`"]),
        ("---\n", ["p.yaml: the file is empty: it must hold keys such as `assets:`"]),
        (
            "# a\n# b\n",
            ["p.yaml: the file holds only comments: it must hold keys such as `assets:`"],
        ),
        (
            "a: 1\nb: x\0y\x07\n\ud800",
            [
                "p.yaml:2:5: the control character U+0000 is refused: remove it",
                "p.yaml:2:7: the control character U+0007 is refused: remove it",
                "p.yaml:3:1: the control character U+D800 is refused: remove it",
            ],
        ),
        (
            'a: ["x\\0y"]\n',
            ["p.yaml:1:5: a.0: the control character U+0000 is refused: remove it"],
        ),
    ],
)
@pytest.mark.usefixtures("_each_parser")
def test_refusals(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1\n\tc: 2\n", "2:1: a tab cannot indent: use spaces (tabs also on lines 3)"),
        ("a:\n  b: 1\n\tc: 2\n", "3:1: a tab cannot indent: use spaces"),
        (
            "a: b: c\n",
            "1:5: a `:` too many: put text that holds `: ` in quotes, put a space after the colon "
            "of the key above, or correct the indentation",
        ),
        (
            "a:\n    b: 1\n  c: 2\n",
            "3:3: this does not fit the mapping that starts on line 1: its keys must start in one "
            "column, and nothing may follow a closing quote or bracket",
        ),
        (
            "- a\nb: 1\n",
            "2:1: this does not fit the list that starts on line 1: its items must start with `- ` "
            "in one column",
        ),
        (
            "a: [1,\n  2\nb: 3\n",
            "3:2: the `[` of line 1 is not closed before here: `,` or `]` is missing",
        ),
        ("a: {b: 1\n", "2:1: the `{` of line 1 is not closed before here: `,` or `}` is missing"),
        ("a: 1\nb: 'x\nc: 1\n", "2:4: the quote that opens here is never closed"),
        ("a: @x\n", "1:4: a value cannot start with `@`: put it in quotes"),
        ("a: *\n", "1:5: a name must follow `&` or `*`: put the value in quotes if it is text"),
        ("a: [1,,2]\n", "1:7: a value is missing here, or there is a comma or bracket too many"),
        (
            "a: - 1\n",
            "1:4: a list or mapping cannot start here: begin it on the next line, or write [a, b]",
        ),
        ("a: 1\nb\n", "2:1: this line is neither `key: value` nor `- item`: is `: ` missing?"),
        (
            "  a: 1\nb: 2\n",
            "2:1: this does not fit what stands above: top keys must start in one column",
        ),
        ("%YAML 3.0\n---\na: 1\n", "1:1: lines that start with `%` are refused: remove this one"),
        ("a: !x!y 1\n", "1:4: tags are refused: write the value plainly, in quotes if it is text"),
        (
            "a: >x\n q\n",
            "1:5: after `|` or `>` only `-`, `+`, a digit or a comment may follow on the line",
        ),
    ],
)
@pytest.mark.usefixtures("_each_parser")
def test_syntax_errors_in_plain_words(text: str, expected: str) -> None:
    assert problems(text) == [f"p.yaml:{expected}"]


def test_a_backslash_in_double_quotes_is_explained() -> None:
    message = "in double quotes a backslash starts an escape such as `\\n`: use single quotes"
    assert problems('file: "C:\\data\\x.csv"\n') == [f"p.yaml:1:10: {message}"]


def test_all_problems_up_to_a_syntax_error_are_reported_in_the_order_of_the_file() -> None:
    found = problems("b: {x: 1, y: .inf, x: .nan}\na: .nan\nb: 1\nc: [\n")
    assert [line.split(": ")[0] for line in found] == [
        *("p.yaml:1:14", "p.yaml:1:20", "p.yaml:1:23", "p.yaml:2:4", "p.yaml:3:1", "p.yaml:5:1")
    ]


def test_many_control_characters_are_summed_up() -> None:
    found = problems("a: " + "\x01" * 25)
    assert len(found) == 11
    assert found[-1] == "p.yaml:1:13: 15 more control characters: is this a text file?"


@pytest.mark.usefixtures("_each_parser")
def test_alias_expansion_has_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: ten lists that each repeat the one before ten times end quickly, with a place."""
    lines = ["- &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"- &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    message = "the aliases (`*name`) repeat more than 1000000 values: put long series in files"
    assert problems("a:\n" + "\n".join(lines)) == [f"p.yaml:7:48: a.5.8: {message}"]
    monkeypatch.setattr(grammar, "MAX_ALIAS_VALUES", 6)
    assert loads("a: &x [1, 2]\nb: *x\nc: *x\n", "p.yaml").data["c"] == [1, 2]
    assert len(problems("a: &x [1, 2]\nb: *x\nc: *x\nd: *x\n")) == 1
    assert loads("a: &x {p: 1, q: 2}\nb: *x\nc: *x\n", "p.yaml").data["c"] == {"p": 1, "q": 2}
    assert len(problems("a: &x {p: 1, q: 2}\nb: *x\nc: *x\nd: *x\n")) == 1


def test_deep_nesting_is_refused() -> None:
    assert loads("a: " + "[" * 99 + "]" * 99, "p.yaml").data["a"]
    message = "more than 100 levels inside each other"
    assert problems("a: " + "[" * 100_000) == [f"p.yaml:1:103: {message}"]
