"""The files of a layer by package and folder."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from conda_docker.report.contents import Part
from conda_docker.report.layer_files import LayerFiles
from conda_docker.report.parts import parts_of, shown


def parts(sizes: Mapping[str, int], *, depth: int = 3, smallest: int = 1) -> tuple[Part, ...]:
    return parts_of(LayerFiles(sizes, (), frozenset()), [], {}, depth=depth, smallest=smallest)


def test_folders_with_one_folder_count_as_one() -> None:
    (folder,) = parts({"usr/lib/python3/a.py": 10, "usr/lib/python3/b/c.py": 5})
    assert (folder.kind, folder.name, folder.size, folder.files) == ("folder", "usr/lib/python3/", 15, 2)
    assert [(part.kind, part.name, part.size) for part in folder.parts] == [("file", "a.py", 10), ("folder", "b/", 5)]


def test_the_largest_come_first_and_the_small_ones_together() -> None:
    found = parts({"a": 5, "b": 100, "c": 5, "d/e": 50}, smallest=10)
    assert [(part.kind, part.name, part.size, part.files) for part in found] == [
        ("file", "b", 100, 1),
        ("folder", "d/", 50, 1),
        ("rest", "", 10, 2),
    ]


def test_folders_are_followed_as_deep_as_asked() -> None:
    sizes = {"a/b/c/d/1": 1, "a/b/c/2": 1, "a/b/3": 1, "a/4": 1, "5": 1}

    def depth_of(found: tuple[Part, ...]) -> int:
        return 1 + max((depth_of(part.parts) for part in found), default=-1)

    assert [depth_of(parts(sizes, depth=depth)) for depth in (1, 2, 3)] == [1, 2, 3]


def test_packages_have_their_files_and_the_rest_is_by_folder() -> None:
    files = LayerFiles({"opt/a/x": 1, "opt/b/y": 2, "etc/z": 4}, (), frozenset())
    found = parts_of(files, [("conda", "a 1"), ("pypi", "b 2")], {"opt/a/x": 0, "opt/b/y": 1}, depth=2, smallest=1)
    assert [(part.kind, part.name, part.size) for part in found] == [
        ("folder", "etc/", 4),
        ("pypi", "b 2", 2),
        ("conda", "a 1", 1),
    ]


def test_control_characters_are_spelled_out() -> None:
    assert [part.name for part in parts({"a\nb/c": 1, "\x1b[31m": 2})] == ["\\x1b[31m", "a\\x0ab/"]


def test_bytes_that_are_not_text_are_spelled_out() -> None:
    (part,) = parts({"caf\udce9": 1})
    assert part.name == shown("caf\udce9") == "caf\\xe9"


_paths = st.lists(st.sampled_from(["a", "b", "ab", "c"]), min_size=1, max_size=6).map("/".join)


@given(st.dictionaries(_paths, st.integers(0, 1000), min_size=1), st.integers(1, 4), st.integers(1, 500))
def test_nothing_is_lost_or_counted_twice(sizes: dict[str, int], depth: int, smallest: int) -> None:
    # Also where a file is in what is a file itself, as only a hostile layer has it.
    def check(found: tuple[Part, ...], size: int, files: int) -> None:
        assert sum(part.size for part in found) == size
        assert sum(part.files for part in found) == files
        for part in found:
            if part.parts:
                check(part.parts, part.size, part.files)

    check(parts(sizes, depth=depth, smallest=smallest), sum(sizes.values()), len(sizes))
