"""Plain scalars mean what conda, which reads YAML 1.2 with ruamel.yaml, makes of them."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from conda_docker.environment.inputs.specs.yaml_scalars import is_string, text_of_plain

scalars = st.one_of(
    st.from_regex(r"[-+]?[0-9_]{1,4}(\.[0-9_]{0,3})?([eE][-+]?[0-9]{1,2})?", fullmatch=True),
    st.from_regex(r"0[xob]?[0-9a-fA-F_]{1,5}", fullmatch=True),
    st.sampled_from(["true", "True", "TRUE", "tRue", "yes", "no", "on", "null", "Null", "~", ".inf", "-.INF", ".nan"]),
    st.from_regex(r"[a-z]{1,5}[0-9]{0,2}", fullmatch=True),
)


@given(scalars)
def test_as_ruamel_reads_them(text: str) -> None:
    try:
        value = YAML(typ="safe", pure=True).load(text)
    except ValueError:  # digits that its patterns take and its constructors do not, such as 0o9
        return
    if isinstance(value, datetime.date):
        return
    assert text_of_plain(text) == ("" if value is None else str(value))
    assert is_string(text) == isinstance(value, str)


@pytest.mark.parametrize("text", ["9" * 10_000, "1e" + "9" * 500, "0x" + "f" * 5000])
def test_huge_numbers_stay_as_they_are(text: str) -> None:
    assert text_of_plain(text) == text
