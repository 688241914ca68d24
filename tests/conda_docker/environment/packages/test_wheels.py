"""Wheels are named by their URLs, which may carry credentials that nobody sees."""

from __future__ import annotations

import pytest

from conda_docker.environment.packages.wheels import LockedWheel, normalize_name


def wheel(url: str) -> LockedWheel:
    return LockedWheel(name="a-b", version="1", url=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://host/a_b-1-py3-none-any.whl",
        "https://host/a_b-1-py3-none-any.whl#sha256=00",
        "https://host/a%5Fb-1-py3-none-any.whl?token=x",
        "file:///folder/a_b-1-py3-none-any.whl",
    ],
)
def test_the_file_name_is_the_end_of_the_path(url: str) -> None:
    assert wheel(url).file_name == "a_b-1-py3-none-any.whl"
    assert wheel(url).stem == "a_b-1-py3-none-any"


def test_credentials_are_not_shown() -> None:
    assert wheel("https://me:secret@host/a_b-1-py3-none-any.whl").public_url == "https://host/a_b-1-py3-none-any.whl"


def test_wheels_have_one_kind_of_hash() -> None:
    assert wheel("https://host/a.whl").md5 is None


@pytest.mark.parametrize(("name", "normal"), [("Flask", "flask"), ("a_b.c--d", "a-b-c-d"), ("a-_.b", "a-b")])
def test_names_have_a_normal_form(name: str, normal: str) -> None:
    assert normalize_name(name) == normal
