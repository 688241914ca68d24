"""The reference pages name every environment variable and every key that there is."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from conda_docker.channels import configuration as conda_configuration
from conda_docker.serve.configuration import Grant, Limits, Proxy, ServerConfiguration
from tests.documentation.pages import ROOT

_VARIABLE = re.compile(r"\bCONDA_DOCKER_[A-Z_]+[A-Z]\b")


def rows(page: str) -> list[str]:
    return [line for line in (ROOT / "docs" / page).read_text().splitlines() if line.startswith("|")]


def test_every_variable_of_our_own_is_listed() -> None:
    used = {name for path in (ROOT / "src").rglob("*.py") for name in _VARIABLE.findall(path.read_text())}
    listed = " ".join(rows("command-line.md"))
    assert {name for name in used if f"`{name}`" not in listed} == set()


@pytest.mark.parametrize("part", [ServerConfiguration, Limits, Grant, Proxy])
def test_every_key_of_the_server_is_listed(part: type) -> None:
    keys = {field.name.replace("_", "-") for field in fields(part)}
    listed = " ".join(row.split("|")[1] for row in rows("configuration.md"))
    assert {key for key in keys if not re.search(rf"[`\[]{re.escape(key)}[`\]]", listed)} == set()


def test_every_key_in_conda_s_configuration_is_listed() -> None:
    listed = " ".join(rows("configuration.md"))
    assert [key for key in conda_configuration.OWN_KEYS if f"`{key}`" not in listed] == []
