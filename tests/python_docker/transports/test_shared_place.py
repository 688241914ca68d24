"""Outputs that would overwrite each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.transports.location import Location
from python_docker.transports.shared_place import find_overwritten, find_shared


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
        ("oci:a", Path("a/index.json")),
        (Path("a/blobs/x"), "oci:a:1"),
        ("dir:a", "docker-archive:a/manifest.json"),
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
        ("oci:a", Path("a/digest.txt")),
        ("oci:a", "oci:a/index.json"),
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


def overwritten(output: str | Path, read: str | Path) -> bool:
    named = [("named", Location.parse(place) if isinstance(place, str) else place) for place in (output, read)]
    return find_overwritten(named[:1], named[1:]) is not None


class TestInputs:
    @pytest.mark.parametrize(
        ("output", "read"),
        [
            (Path("a.yml"), Path("a.yml")),
            (Path("missing/../a.yml"), Path("a.yml")),
            ("docker-archive:a.yml", Path("a.yml")),
            ("a.tar", "docker-archive:a.tar:one"),
            ("oci:a:1", "oci:a:1"),
            ("dir:a", "oci:a:1"),
            (Path("a"), "oci:a:1"),
            ("oci:a", Path("a")),
        ],
    )
    def test_it_is_overwritten(self, output: str | Path, read: str | Path) -> None:
        assert overwritten(output, read)

    @pytest.mark.parametrize(
        ("output", "read"),
        [
            (Path("a.yml"), Path("b.yml")),
            ("oci:a:1", "oci:a:2"),
            ("docker://a/b:1", "docker://a/b:1"),
            ("docker-daemon:a:1", "docker-daemon:a:1"),
            (Path("/dev/null"), Path("/dev/null")),
            (Path("folder/new"), Path("folder")),
            (Path("a/index.json"), "oci:a"),
        ],
    )
    def test_it_stays(self, output: str | Path, read: str | Path) -> None:
        assert not overwritten(output, read)

    @pytest.mark.parametrize("links", ["symbolic", "hard"])
    def test_a_file_by_another_name(self, links: str, tmp_path: Path) -> None:
        file, link = tmp_path / "a.yml", tmp_path / "link"
        file.write_text("dependencies: []")
        link.symlink_to(file) if links == "symbolic" else link.hardlink_to(file)
        assert overwritten(link, file)
        assert overwritten(file, link)

    def test_a_file_of_a_layout(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a/index.json").write_text("{}")
        assert overwritten(tmp_path / "a/index.json", f"oci:{tmp_path}/a:1")
        assert not overwritten(tmp_path / "a/digest.txt", f"oci:{tmp_path}/a:1")

    def test_both_are_named(self) -> None:
        found = find_overwritten(
            [("--iidfile i", Path("i")), ("--junit a", Path("a"))], [("--file b", Path("b")), ("--file a", Path("a"))]
        )
        assert found == ("--junit a", "--file a", Path("a"))
