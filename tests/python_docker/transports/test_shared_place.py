"""Outputs that would overwrite each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.transports.location import Location
from python_docker.transports.shared_place import find_shared


def shared(*places: str | Path) -> bool:
    outputs = [(f"{place}", Location.parse(place) if isinstance(place, str) else place) for place in places]
    return find_shared(outputs) is not None


@pytest.mark.parametrize(
    "places",
    [
        ("a.tar", Path("a.tar")),
        ("a.tar", Path("missing/../a.tar")),
        ("a.tar", "oci-archive:a.tar"),
        ("docker-archive:a.tar:one", "docker-archive:a.tar:two"),
        (Path("a.json"), Path("./a.json")),
        ("oci:a", Path("a")),
        ("oci:a", "oci:./a"),
        ("oci:a", "dir:a"),
        ("docker://a/b:1", "docker://a/b:1"),
    ],
)
def test_one_overwrites_the_other(places: tuple[str | Path, ...]) -> None:
    assert shared(*places)


@pytest.mark.parametrize(
    "places",
    [
        ("a.tar", Path("b.tar")),
        ("oci:a:1", "oci:a:2"),
        ("docker://a/b:1", "docker://a/b:2"),
        (Path("/dev/null"), Path("/dev/null")),
    ],
)
def test_both_are_kept(places: tuple[str | Path, ...]) -> None:
    assert not shared(*places)


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a.tar")
    assert shared(f"docker-archive:{tmp_path}/a.tar", tmp_path / "link")


def test_both_are_named() -> None:
    found = find_shared([("-o a.tar", Location.parse("a.tar")), ("--iidfile", Path("x")), ("--junit", Path("a.tar"))])
    assert found == ("-o a.tar", "--junit", Path("a.tar"))
