"""Who shares a layer, and in which order layers lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.build_options import Layering
from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.environment.packages.topological_order import topological_order
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.layers.member import Member
from conda_docker.layers.plan import plan_layers


def package(name: str, *depends: str, size: int = 1000) -> LockedPackage:
    url = f"https://example.com/channel/linux-64/{name}-1.0-0.conda"
    return package_from_record(
        {"name": name, "version": "1.0", "build": "0", "url": url, "depends": list(depends), "size": size}
    )


def names(plan: Iterable[Sequence[Member]]) -> list[list[str]]:
    return [[package.name for package in layer] for layer in plan]


@st.composite
def environments(draw: st.DrawFn) -> list[LockedPackage]:
    count = draw(st.integers(1, 40))
    packages = []
    for number in range(count):
        needs = draw(st.lists(st.integers(0, number - 1), max_size=4)) if number else []
        size = draw(st.integers(1, 10**8))
        packages.append(package(f"p{number:02}", *(f"p{need:02} >=1" for need in needs), size=size))
    return topological_order(packages)


def test_each_package_has_its_layer_while_there_is_room() -> None:
    packages = topological_order([package("python"), package("numpy", "python >=3.12"), package("zlib")])
    assert sorted(names(plan_layers(packages, limit=3))) == [["numpy"], ["python"], ["zlib"]]


def test_what_was_asked_for_lies_on_top() -> None:
    packages = topological_order([package("flask", "werkzeug"), package("werkzeug"), package("zlib"), package("app")])
    plan = names(plan_layers(packages, limit=10, requested={"flask", "app"}))
    assert sorted(plan[:2]) == [["werkzeug"], ["zlib"]]
    assert sorted(plan[2:]) == [["app"], ["flask"]]


def test_what_was_asked_for_and_is_needed_by_others_stays_below_them() -> None:
    packages = topological_order([package("python"), package("numpy", "python"), package("scipy", "numpy")])
    assert names(plan_layers(packages, limit=10, requested={"python"})) == [["python"], ["numpy"], ["scipy"]]


def test_a_cycle_and_what_is_not_there_change_nothing() -> None:
    packages = [package("pip", "python", "__glibc >=2.17"), package("python", "pip", "missing >=1")]
    assert names(plan_layers(packages, limit=10, requested={"python"})) == [["pip"], ["python"]]


@pytest.mark.parametrize("limit", [1, 3])
def test_projects_lie_on_top_of_all_beyond_the_limit(limit: int) -> None:
    flask, mine = (
        LockedWheel(name=name, version="1", url=f"file:///{name}-1-py3-none-any.whl", project=name == "mine")
        for name in ("flask", "mine")
    )
    plan = names(plan_layers([package("python")], wheels=[mine, flask], limit=limit))
    assert plan == ([["python", "flask"], ["mine"]] if limit == 1 else [["python"], ["flask"], ["mine"]])


def test_single_puts_everything_in_one_layer() -> None:
    packages = [package(f"p{number}") for number in range(5)]
    assert names(plan_layers(packages, limit=50, layering=Layering.SINGLE)) == [[f"p{number}" for number in range(5)]]


def test_an_empty_environment_has_no_layers() -> None:
    assert plan_layers([], limit=5) == []


def test_no_room_is_an_error() -> None:
    with pytest.raises(ValueError, match="room"):
        plan_layers([package("a")], limit=0)


@given(environments(), st.integers(1, 50), st.sets(st.integers(0, 39)))
def test_every_package_is_planned_once_within_the_limit(
    packages: list[LockedPackage], limit: int, requested: set[int]
) -> None:
    plan = plan_layers(packages, limit=limit, requested={f"p{number:02}" for number in requested})
    assert sorted(package.name for layer in plan for package in layer) == sorted(p.name for p in packages)
    assert len(plan) <= limit
    assert all(plan)


@given(environments(), st.sets(st.integers(0, 39)))
def test_dependencies_lie_below_while_each_has_its_layer(packages: list[LockedPackage], requested: set[int]) -> None:
    plan = plan_layers(packages, limit=len(packages), requested={f"p{number:02}" for number in requested})
    place = {layer[0].name: number for number, layer in enumerate(plan)}
    for member in packages:
        for spec in member.depends:
            assert place[spec.split()[0]] < place[member.name]


@given(environments(), st.integers(2, 20), st.data())
def test_another_version_of_one_package_changes_one_layer(
    packages: list[LockedPackage], limit: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(packages) - 1))
    changed = list(packages)
    changed[place] = replace(packages[place], version="1.1", size=(packages[place].size or 0) + 0)
    before, after = plan_layers(packages, limit=limit), plan_layers(changed, limit=limit)
    assert names(before) == names(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
