"""Every kind of package, linked here and installed by rattler: the files are the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conda_docker.kinds import KINDS, PYTHON
from tests.conda_docker.oracle import Rattler, differences, link_archives
from tests.conda_docker.packages import SyntheticPackage
from tests.conda_docker.strategies import packages


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("kind", KINDS)
def test_files_are_those_that_rattler_installs(kind: str, suffix: str, rattler: Rattler, tmp_path: Path) -> None:
    archives = [package.write(tmp_path, suffix) for package in KINDS[kind]]
    installed, _ = rattler.install(archives)
    assert differences(installed, link_archives(archives)) == []


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(package=packages(), suffix=st.sampled_from([".conda", ".tar.bz2"]), info_last=st.booleans())
def test_files_of_any_package_are_those_that_rattler_installs(
    package: SyntheticPackage, suffix: str, info_last: bool, rattler: Rattler, tmp_path: Path
) -> None:
    archives = [replace(package, info_last=info_last).write(tmp_path, suffix), PYTHON.write(tmp_path)]
    installed, _ = rattler.install(archives)
    assert differences(installed, link_archives(archives)) == []
