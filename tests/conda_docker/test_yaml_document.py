"""YAML documents are read as strings that know their lines, and cannot explode."""

from __future__ import annotations

import gc

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.errors import InvalidEnvironment
from conda_docker.yaml_document import YamlMapping, parse_document


@pytest.fixture(params=["libyaml", "Python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Python":
        monkeypatch.delattr(yaml, "CBaseLoader", raising=False)


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    "text",
    ["1.10", "1_0", "123456789012345678901234567890e1", "12:30:45", "yes", "0o17", "2024-01-01", '"null"', "'~'"],
)
def test_scalars_stay_strings(text: str) -> None:
    assert parse_document(f"version: {text}", "x.yml").text("version") == text.strip("'\"")


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text", ["", "~", "null", "NULL"])
def test_nothing(text: str) -> None:
    document = parse_document(f"a: {text}\n", "x.yml")
    assert (document.text("a"), document.texts("a"), document.mapping("a"), document.number("a")) == (
        None,
        (),
        None,
        None,
    )


def test_lines() -> None:
    document = parse_document("a:\n- b: 1\n\n- c: 2\n", "x.yml")
    assert [entry.where for entry in document.mappings("a")] == ["line 2 of x.yml", "line 4 of x.yml"]


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"line \d of x.yml is not valid YAML"),
        ("a: *b", "line 1 of x.yml: there is no anchor `b`"),
        ("a: 1\nb: 2\na: 3", "line 3 of x.yml: `a` is defined twice"),
        ("a: 1\n? [b]\n: 2", "line 2 of x.yml: a key should be a string"),
        ("\x01", "x.yml is not valid YAML"),
        ("- a", "x.yml should hold a mapping"),
        ("", "x.yml should hold a mapping"),
        ("--- {a: 1}\n--- {b: 1}", "line 2 of x.yml: a second document starts here"),
        ("a: " + "[" * 100 + "]" * 100, "line 1 of x.yml: nested too deeply"),
        ("a: " + "[" * 5000, "(?:nesting|nested too deeply)"),
        ("- " * 20_000, "(?:nesting|nested too deeply)"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        parse_document(text, "x.yml")


def test_aliases_are_what_they_name() -> None:
    """Twenty levels of ten aliases each would be 10^20 items if they were copies."""
    levels = ["l0: &l0 [x, x]"]
    levels += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 20)]
    last = parse_document("\n".join(levels), "x.yml")["l19"]
    assert isinstance(last, list)
    assert last[0] is last[9]


def test_millions_of_values() -> None:
    with pytest.raises(InvalidEnvironment, match=r"x.yml has more than 1000000 values"):
        parse_document(f"a: [{'b,' * 1_000_001}]", "x.yml")


def test_an_alias_of_itself() -> None:
    value = parse_document("a: &a [*a]", "x.yml")["a"]
    assert isinstance(value, list)
    assert value[0] is value


@pytest.mark.parametrize(
    ("text", "method", "message"),
    [
        ("a: [b]", "text", "should be a string"),
        ("a: {b: c}", "required", "should be a string"),
        ("a: ''", "required", "is missing"),
        ("b: 1", "required", "is missing"),
        ("a: -1", "number", "should be a whole number, not '-1'"),
        ("a: 1e3", "number", "should be a whole number"),
        (f"a: {'9' * 30}", "number", "should be a whole number"),
        ("a: b", "texts", "should be a list of strings"),
        ("a: [[b]]", "texts", "should be a list of strings"),
        ("a: [b]", "mapping", "should be a mapping"),
    ],
)
def test_values_of_another_kind(text: str, method: str, message: str) -> None:
    document = parse_document(text, "x.yml")
    with pytest.raises(InvalidEnvironment, match=f"line 1 of x.yml: `a` {message}"):
        getattr(document, method)("a")


@pytest.mark.parametrize("text", ["a: b", "a: [b]", "a: {b: c}"])
def test_lists_of_mappings(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match="line 1 of x"):
        list(parse_document(text, "x.yml").mappings("a"))


def test_the_search_for_garbage_goes_on_afterwards() -> None:
    with pytest.raises(InvalidEnvironment):
        parse_document("a: [", "x.yml")
    assert gc.isenabled()


def test_credentials_stay_out_of_messages() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        parse_document("a: 'https://me:s3cret@host/\n", "x.yml")
    assert "s3cret" not in str(caught.value)


@given(st.text(alphabet="ab:[]{}&*-?!|>'\"# \n\t", max_size=60))
def test_any_text_is_a_document_or_an_error(text: str) -> None:
    try:
        assert isinstance(parse_document(text, "x.yml"), YamlMapping)
    except InvalidEnvironment:
        return
