"""Folders of wheels as pages of links with hashes."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from conda_docker.cache.folder import CacheFolder
from conda_docker.environment.packages.wheels import PipOption
from conda_docker.package.fetch.find import hash_file
from conda_docker.pypi.resolve import wheel_folder
from conda_docker.pypi.resolve.wheel_folder import link_pages
from tests.conda_docker.pypi.resolve.test_resolve import resolve
from tests.conda_docker.pypi.wheels import make_wheel
from tests.damage import flip_a_bit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a wheel of a local version, whose name and path must be quoted in a URL."""
    folder = tmp_path / "my <wheels>, ü"
    folder.mkdir()
    make_wheel(folder, "one", "1.0+local.1")
    return folder


@pytest.fixture
def page_folder(tmp_path: Path) -> Path:
    path = tmp_path / "pages"
    path.mkdir()
    return path


def age(path: Path) -> None:
    """Let some hours pass since a file was written, as far as stamps tell."""
    os.utime(path, (1e9, 1e9))


def links(pages: tuple[str, ...]) -> dict[str, str]:
    """Return the links of the pages that stand for folders: the SHA-256 of files, by their names."""
    found = {}
    for page in pages:
        for url, sha256 in re.findall(
            r'<a href="([^"#]+)(?:#sha256=([0-9a-f]+))?">', Path(page.removeprefix("file://")).read_text()
        ):
            found[Path(unquote(url)).name] = sha256
    return found


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_page_has_each_wheel_with_its_hash(folder: Path, page_folder: Path, tmp_path: Path) -> None:
    make_wheel(folder, "two")
    (folder / "notes.txt").write_text("not a package")
    (folder / "three-1.0.tar.gz").write_bytes(b"source")
    assert links(link_pages([str(folder)], page_folder, tmp_path / "cache")) == {
        "one-1.0+local.1-py3-none-any.whl": sha256_of(folder / "one-1.0+local.1-py3-none-any.whl"),
        "three-1.0.tar.gz": "",
        "two-1.0-py3-none-any.whl": sha256_of(folder / "two-1.0-py3-none-any.whl"),
    }


def test_what_is_not_a_folder_here_stays_as_it_is(page_folder: Path, tmp_path: Path) -> None:
    places = ["https://example.com/wheels.html", str(tmp_path / "nothing"), "relative"]
    assert link_pages(places, page_folder, tmp_path / "cache") == tuple(places)


def test_a_folder_may_be_given_as_a_url(folder: Path, page_folder: Path, tmp_path: Path) -> None:
    assert len(links(link_pages([folder.as_uri()], page_folder, tmp_path / "cache"))) == 1


@pytest.mark.parametrize("form", ["path", "url"])
@pytest.mark.usefixtures("wheels")
def test_uv_takes_wheels_from_such_a_page(folder: Path, tmp_path: Path, form: str) -> None:
    place = str(folder) if form == "path" else folder.as_uri()
    [wheel] = resolve(tmp_path, "one", options=(PipOption("no-index"), PipOption("find-links", f"{place}"))).wheels
    path = folder / "one-1.0+local.1-py3-none-any.whl"
    assert (wheel.source, wheel.sha256, wheel.size) == (path, sha256_of(path), path.stat().st_size)


class TestRemembering:
    @pytest.fixture(autouse=True)
    def _settled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Tests cannot wait until a file counts as left alone; its last change cannot be set.
        monkeypatch.setattr(wheel_folder, "_SETTLED", -(10**9) * 3600)

    @pytest.fixture
    def hashed(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Return the names of the files that are hashed from now on."""
        names: list[str] = []

        def recording(path: Path, algorithm: str) -> str:
            names.append(path.name)
            return hash_file(path, algorithm)

        monkeypatch.setattr(wheel_folder, "hash_file", recording)
        return names

    def test_a_wheel_is_hashed_once(self, folder: Path, page_folder: Path, tmp_path: Path, hashed: list[str]) -> None:
        first, second = (links(link_pages([str(folder)], page_folder, tmp_path / "cache")) for _ in range(2))
        assert first == second
        assert len(hashed) == 1

    def test_one_that_was_replaced_is_hashed_again_and_no_other(
        self, folder: Path, page_folder: Path, tmp_path: Path, hashed: list[str]
    ) -> None:
        two = make_wheel(folder, "two")
        link_pages([str(folder)], page_folder, tmp_path / "cache")
        hashed.clear()
        make_wheel(folder, "two", requires=["six"])
        assert links(link_pages([str(folder)], page_folder, tmp_path / "cache"))[two.name] == sha256_of(two)
        assert hashed == [two.name]

    def test_a_change_that_keeps_size_and_modification_time_is_seen(
        self, folder: Path, page_folder: Path, tmp_path: Path
    ) -> None:
        [wheel] = folder.iterdir()
        age(wheel)
        link_pages([str(folder)], page_folder, tmp_path / "cache")
        flip_a_bit(wheel)
        assert links(link_pages([str(folder)], page_folder, tmp_path / "cache"))[wheel.name] == sha256_of(wheel)

    @pytest.mark.parametrize("note", [b"", b"[]", b'{"one-1.0+local.1-py3-none-any.whl": [1]}', b'{"a": null}'])
    def test_a_note_that_cannot_be_read_is_no_error(
        self, folder: Path, page_folder: Path, tmp_path: Path, note: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(CacheFolder, "read_note", lambda *_: note)
        assert all(links(link_pages([str(folder)], page_folder, tmp_path / "cache")).values())


def test_a_file_that_was_written_just_now_is_not_remembered(
    folder: Path, page_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [wheel] = folder.iterdir()
    monkeypatch.setattr(wheel_folder, "_SETTLED", 3600 * 10**9)
    for _ in range(2):
        assert links(link_pages([str(folder)], page_folder, tmp_path / "cache"))[wheel.name] == sha256_of(wheel)
    [note] = (tmp_path / "cache/wheel-folders").glob("*/*.json")
    assert note.read_bytes().endswith(b"{}")
