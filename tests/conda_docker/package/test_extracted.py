"""A package gives the same layer whether it is read from its archive or from a client's cache of extracted packages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.package.archive import Package, open_package
from conda_docker.package.extracted import path_order
from python_docker.tar import EntryType
from tests.conda_docker.kinds import KINDS, LONG, TEXT
from tests.conda_docker.oracle import Prefix, Rattler, link, link_archives, locked, read_layer
from tests.conda_docker.packages import File, HardLink, Symlink, SyntheticPackage

PREFIX = Prefix("/opt/conda", "3.12")
# The last member of a name is all that an extracted folder has, and a link to a file that is not listed its first name.
NOT_IN_ORDER = {"a member that comes again", "a member that comes again as a link", "hard link to an unlisted file"}


def sorted_archive(package: SyntheticPackage, folder: Path, suffix: str = ".conda") -> Path:
    """Write the package as rattler-build does, with its members sorted."""
    files = dict(sorted(package.files.items(), key=lambda item: path_order(item[0])))
    return replace(package, files=files).write(folder, suffix)


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_IN_ORDER])
def test_the_layer_of_a_sorted_archive_is_that_of_the_folder_rattler_extracted(
    kind: str, suffix: str, rattler: Rattler, tmp_path: Path
) -> None:
    archives = [sorted_archive(package, tmp_path, suffix) for package in KINDS[kind]]
    _, cache = rattler.install(archives)
    for archive in archives:
        folder = cache / archive.name.removesuffix(suffix)
        assert link(open_package(folder), locked(archive), PREFIX) == link(open_package(archive), locked(archive), PREFIX)
