"""Packages as an image's history names them, and as conda and conda-docker read them again."""

from __future__ import annotations

from conda_docker.provenance.entries import explicit_line, packages_history
from conda_docker.provenance.reading import packages_of_layer
from tests.conda_docker.provenance.made import CREATED, OLD, PREFIX, SIX, ZLIB, layer

PACKAGES = packages_of_layer(layer(packages_history((ZLIB, OLD, SIX), PREFIX, CREATED)))


def test_a_channel_is_what_comes_before_subdir_and_file_name() -> None:
    assert [package.channel for package in PACKAGES][1:] == ["https://x.org/c", "pypi"]


def test_wheels_are_told_from_packages() -> None:
    assert [package.is_wheel for package in PACKAGES] == [False, False, True]


def test_a_line_of_an_explicit_file_is_that_of_the_locked_package() -> None:
    assert [package.explicit() for package in PACKAGES] == [explicit_line(ZLIB), explicit_line(OLD), explicit_line(SIX)]
