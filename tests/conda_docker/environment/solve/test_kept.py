"""Packages that are kept where nothing speaks against them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.environment.solve.kept import by_url, kept_record, with_kept

RECORD = {
    "name": "tool",
    "version": "1.0",
    "build": "h_0",
    "build_number": 0,
    "subdir": "linux-64",
    "url": "https://conda.example/main/linux-64/tool-1.0-h_0.conda",
    "depends": ["library >=1"],
    "constrains": ["other <2"],
    "track_features": "a b",
    "license": "MIT",
    "timestamp": 1_700_000_000_123,
    "sha256": "ab" * 32,
    "size": 7,
}


@pytest.fixture
def package() -> LockedPackage:
    return package_from_record(RECORD)


def test_a_solver_hears_of_all_that_restricts_others(package: LockedPackage) -> None:
    record = kept_record(package)
    assert (record.depends, record.constrains, record.track_features) == (["library >=1"], ["other <2"], ["a", "b"])
    assert record.timestamp is not None
    assert record.timestamp.year == 2023


def test_the_same_package_stays_as_it_was(package: LockedPackage) -> None:
    assert with_kept(replace(package, record={}), by_url([package])) is package


@pytest.mark.parametrize("changed", [{"sha256": "cd" * 32}, {"depends": ("library >=2",)}])
def test_a_package_that_the_channel_changed_is_another_one(package: LockedPackage, changed: dict[str, str]) -> None:
    chosen = replace(package, **changed)  # type: ignore[arg-type]
    assert with_kept(chosen, by_url([package])) is chosen
