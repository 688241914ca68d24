"""Files follow links of other packages, wherever they come in the order."""

from __future__ import annotations

import pytest

from conda_docker.layers.linked_folders import find_moves
from conda_docker.link.placement import move

PREFIX = "/opt/conda"


@pytest.mark.parametrize(
    ("target", "real"),
    [
        ("lib64", "x/lib64"),
        ("./lib64/", "x/lib64"),
        ("../y", "y"),
        ("/opt/conda/y/z", "y/z"),
        ("..", ""),
    ],
)
def test_files_go_where_the_link_leads(target: str, real: str) -> None:
    for reverse in (False, True):
        paths, links = [["x/lib"], ["x/lib/a.so"]], [{"x/lib": target}, {}]
        if reverse:
            paths, links = paths[::-1], links[::-1]
        moves, outside = find_moves(paths, links, PREFIX)
        assert (moves[::-1] if reverse else moves) == [{}, {"x/lib": real}]
        assert outside == []
    assert move("x/lib/a.so", {"x/lib": real}) == f"{real}/a.so".lstrip("/")


def test_folders_below_and_chains_of_links() -> None:
    paths = [["a"], ["b"], ["a/f", "a/sub/g", "c/h"]]
    moves, _ = find_moves(paths, [{"a": "b"}, {"b": "real"}, {}], PREFIX)
    assert moves[2] == {"a": "real", "a/sub": "real/sub"}
    assert [move(path, moves[2]) for path in paths[2]] == ["real/f", "real/sub/g", "c/h"]


@pytest.mark.parametrize("target", ["/usr/lib", "../../y", "lib", "/opt/conda2"])
def test_links_out_of_the_environment_and_circles_are_named(target: str) -> None:
    moves, outside = find_moves([["x/lib"], ["x/lib/a.so"]], [{"x/lib": target}, {}], PREFIX)
    assert (moves, outside) == ([{}, {}], ["x/lib"])


def test_a_package_s_own_links_are_its_own_affair() -> None:
    assert find_moves([["lib", "lib/a"]], [{"lib": "lib64"}], PREFIX) == ([{}], [])


def test_of_two_links_the_last_one_counts() -> None:
    moves, _ = find_moves([["l"], ["l"], ["l/f"]], [{"l": "one"}, {"l": "two"}, {}], PREFIX)
    assert moves[2] == {"l": "two"}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_link_may_itself_be_in_a_folder_that_is_a_link(order: tuple[int, ...]) -> None:
    paths = [["x/lib"], ["x/lib/sub"], ["x/lib/sub/f"]]
    links = [{"x/lib": "lib64"}, {"x/lib/sub": "../other"}, {}]
    moves, outside = find_moves([paths[number] for number in order], [links[number] for number in order], PREFIX)
    assert moves[order.index(2)] == {"x/lib": "x/lib64", "x/lib/sub": "x/other"}
    assert outside == []
