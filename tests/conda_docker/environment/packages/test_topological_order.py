"""Packages come after what they need, in the order of rattler's installer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import rattler
from hypothesis import given
from hypothesis import strategies as st
from rattler.package import BuildString

from conda_docker.environment.packages.topological_order import match_spec_name, topological_order

NAMES = "abcdefgh"


@dataclass(frozen=True)
class Node:
    name: str
    depends: Sequence[str] = ()
    noarch: Literal["python", "generic"] | None = None


def order(*nodes: Node) -> str:
    return "".join(node.name for node in topological_order(nodes))


def rattlers_order(nodes: Sequence[Node]) -> str:
    records = [
        rattler.PackageRecord(
            name=rattler.PackageName(node.name),
            version=rattler.VersionWithSource("1"),
            build=BuildString("0"),
            build_number=0,
            subdir=rattler.Subdir("noarch" if node.noarch else "linux-64"),
            arch=None,
            platform=None,
            noarch=rattler.NoArchType(node.noarch),
            depends=list(node.depends),
        )
        for node in nodes
    ]
    return "".join(record.name.normalized for record in rattler.PackageRecord.sort_topologically(records))


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    names = draw(st.permutations(NAMES[: draw(st.integers(1, len(NAMES)))]))
    specs = st.sampled_from([*NAMES, "a >=1", "b[build=x]", "C 1.*", "__glibc >=2"])
    kinds: list[Literal["python", "generic"] | None] = [None, None, "python", "generic"]
    noarch = st.sampled_from(kinds)
    return [Node(name, draw(st.lists(specs, max_size=4)), draw(noarch)) for name in names]


@given(graphs())
def test_the_order_is_rattlers(nodes: list[Node]) -> None:
    assert order(*nodes) == rattlers_order(nodes)


@given(graphs(), st.randoms())
def test_every_package_is_there_once(nodes: list[Node], random: object) -> None:
    assert sorted(order(*nodes)) == sorted(node.name for node in nodes)


def test_what_is_needed_comes_first() -> None:
    assert order(Node("a", ["b >=1"]), Node("b", ["c"]), Node("c")) == "cba"


def test_of_unrelated_packages_the_first_name_wins() -> None:
    assert order(Node("a"), Node("b"), Node("c")) == "cba"


def test_a_circle_is_cut_at_the_noarch_package() -> None:
    assert order(Node("python", ["pip"]), Node("pip", ["python"], "python")) == "pythonpip"


def test_very_deep_graphs_need_no_recursion() -> None:
    chain = [Node(f"n{index:05}", [f"n{index + 1:05}"]) for index in range(5000)]
    assert topological_order(chain)[0].name == "n04999"


def test_the_later_of_two_packages_with_one_name_stays() -> None:
    later = Node("a", ["x"])
    assert topological_order([Node("a"), later]) == [later]


def test_name_of_a_match_spec() -> None:
    assert [match_spec_name(spec) for spec in ("Foo >=1", "foo=1", "foo[x=1]", "foo~=1", " foo")] == ["foo"] * 5
