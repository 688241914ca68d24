"""Several inputs become one, as `conda env update` makes them one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from conda_docker.environment.activation_script import ActivationScript
from conda_docker.environment.packages.wheels import PipRequirements
from conda_docker.environment.spec import EnvironmentSpec, merge_specs
from conda_docker.errors import InvalidEnvironment


def test_each_once_and_in_order() -> None:
    merged = merge_specs(
        [
            EnvironmentSpec(specs=("b", "a"), channels=("x", "y"), warnings=("w",)),
            EnvironmentSpec(specs=("a", "c"), channels=("y", "z"), warnings=("w",)),
        ]
    )
    assert (merged.specs, merged.channels, merged.warnings) == (("b", "a", "c"), ("x", "y", "z"), ("w",))


def test_the_first_that_says_something_is_believed() -> None:
    merged = merge_specs(
        [
            EnvironmentSpec(specs=()),
            EnvironmentSpec(specs=(), name="x", channel_priority="strict", strategy="lowest", subdir="linux-64"),
            EnvironmentSpec(specs=(), name="y", channel_priority="disabled"),
        ]
    )
    assert (merged.name, merged.channel_priority, merged.strategy) == ("x", "strict", "lowest")
    assert merged.subdir == "linux-64"


def test_of_a_variable_the_last_value_counts() -> None:
    merged = merge_specs([EnvironmentSpec(specs=(), variables={"A": v}) for v in ("1", "2")])
    assert merged.variables == {"A": "2"}


def test_scripts_of_all_are_sourced() -> None:
    scripts = [ActivationScript(name, "") for name in ("a.sh", "b.sh")]
    assert merge_specs([EnvironmentSpec(specs=(), scripts=(each,)) for each in scripts]).scripts == tuple(scripts)


def test_the_earliest_moment_holds_for_all() -> None:
    moments = [datetime(2024, month, 1, tzinfo=UTC) for month in (3, 2)]
    merged = merge_specs([EnvironmentSpec(specs=(), exclude_newer=moment) for moment in moments])
    assert merged.exclude_newer == moments[1]


def test_different_platforms() -> None:
    parts = [EnvironmentSpec(specs=(), subdir=subdir) for subdir in ("linux-64", "osx-64")]
    with pytest.raises(InvalidEnvironment, match="for different platforms: linux-64, osx-64"):
        merge_specs(parts)


def test_requirements_for_pip_are_put_together() -> None:
    one = PipRequirements(requirements=("six",), folder=Path("/a"), origin="a.yml", places={"six": "a.yml, line 1"})
    two = PipRequirements(requirements=("six", "idna"), origin="b.yml", index_strategy="first-index")
    pip = merge_specs([EnvironmentSpec(specs=(), pip=part) for part in (one, None, two)]).pip
    assert pip is not None
    assert (pip.requirements, pip.origin, pip.folder) == (("six", "idna"), "a.yml, b.yml", Path("/a"))
    assert (pip.places, pip.index_strategy) == ({"six": "a.yml, line 1"}, "first-index")


def test_without_requirements_for_pip_there_are_none() -> None:
    assert merge_specs([EnvironmentSpec(specs=("a",))]).pip is None
