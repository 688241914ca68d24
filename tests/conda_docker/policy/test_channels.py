"""Where packages are from, in a request and in an image."""

from __future__ import annotations

import pytest

from conda_docker.policy.channels import Origin, foreign_packages, installed_origins
from conda_docker.provenance.installed import InstalledPackage

CHANNEL = "https://conda.example.com/team"
PACKAGES = (
    InstalledPackage("tool", "1.0", "0", f"{CHANNEL}/linux-64/tool-1.0-0.conda", None, "/opt/conda"),
    InstalledPackage("app", "2.0", "pypi_0", "https://files.example.com/app-2.0-py3-none-any.whl", None, "/opt/conda"),
)


def test_packages_of_an_image() -> None:
    assert list(installed_origins(PACKAGES)) == [
        Origin("tool-1.0-0", PACKAGES[0].url, CHANNEL),
        Origin("app-2.0-pypi_0", PACKAGES[1].url, None),
    ]


def test_credentials_are_not_repeated() -> None:
    package = InstalledPackage("a", "1", "0", "https://me:secret@example.com/linux-64/a-1-0.conda", None, "/opt")
    assert "secret" not in str(list(installed_origins([package])))


@pytest.mark.parametrize(
    ("allowed", "foreign"),
    [
        ((), []),
        ((CHANNEL, "pypi"), []),
        ((CHANNEL, "https://files.example.com"), []),
        ((CHANNEL,), ["app-2.0-pypi_0"]),
        (("pypi",), ["tool-1.0-0"]),
        ((CHANNEL.removesuffix("m"), "pypi"), ["tool-1.0-0"]),
        ((f"{CHANNEL}/", "pypi"), []),
    ],
)
def test_those_from_elsewhere(allowed: tuple[str, ...], foreign: list[str]) -> None:
    found = foreign_packages(installed_origins(PACKAGES), allowed)
    assert [sentence.partition(": ")[0] for sentence in found] == foreign
