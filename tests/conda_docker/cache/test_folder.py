"""The cache folder: made and marked when it is first written to, and never mistaken for another."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from conda_docker.cache.folder import CONTENTS, EARLIER, CacheFolder, NoteKind
from conda_docker.errors import CacheError
from tests.archives import only_linux

KEY = 64 * "a"


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    return CacheFolder(tmp_path / "cache")


def test_a_note_is_found_again(cache: CacheFolder) -> None:
    assert cache.read_note(NoteKind.INDEX, KEY) is None
    cache.write_note(NoteKind.INDEX, KEY, b"{}")
    assert cache.read_note(NoteKind.INDEX, KEY) == b"{}"
    assert cache.read_note(NoteKind.LAYERS, KEY) is None


def test_a_note_under_another_key_counts_as_absent(cache: CacheFolder) -> None:
    cache.write_note(NoteKind.INDEX, KEY, b"{}")
    other = 64 * "b"
    cache.note(NoteKind.INDEX, other).parent.mkdir()
    cache.note(NoteKind.INDEX, KEY).rename(cache.note(NoteKind.INDEX, other))
    assert cache.read_note(NoteKind.INDEX, other) is None


def test_whatever_it_holds_has_a_place_in_one_of_its_folders(cache: CacheFolder) -> None:
    places = [cache.package("p"), cache.python("p"), cache.wheel("w"), *(cache.note(kind, KEY) for kind in NoteKind)]
    assert {place.relative_to(cache.root).parts[0] for place in places} | {"blobs"} == set(CONTENTS) - set(EARLIER)


def test_it_is_marked_when_it_is_first_written_to(cache: CacheFolder) -> None:
    assert not cache.is_marked()
    with cache.writing():
        assert cache.is_marked()
    tag = (cache.root / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_a_cache_that_lost_its_mark_is_taken_and_marked(cache: CacheFolder) -> None:
    for name in ("blobs/sha256", "layers/aa", "packages"):
        (cache.root / name).mkdir(parents=True)
    assert not cache.is_marked()
    with cache.writing():
        (cache.root / "other").mkdir()
    assert cache.is_marked()


@pytest.mark.parametrize("names", [["zipapp/conda-docker.pyz_1"], ["zipapp", "blobs/sha256"]])
def test_a_program_that_was_unpacked_there_first_is_no_obstacle(cache: CacheFolder, names: list[str]) -> None:
    for name in names:
        (cache.root / name).mkdir(parents=True)
    cache.write_note(NoteKind.INDEX, KEY, b"{}")
    assert cache.is_marked()


@pytest.mark.parametrize("names", [["document.txt"], ["packages/mine-1.0"], ["blobs", "thesis"], ["blobs/mine"]])
def test_a_folder_with_other_files_is_never_the_cache(cache: CacheFolder, names: list[str]) -> None:
    for name in names:
        (cache.root / name).mkdir(parents=True)
    assert not cache.is_marked()
    with pytest.raises(CacheError, match="cannot be the cache: it holds other files; choose an empty folder"):
        cache.write_note(NoteKind.INDEX, KEY, b"{}")
    assert sorted(os.listdir(cache.root)) == sorted(name.partition("/")[0] for name in names)


def test_what_cannot_be_written_is_one_error(cache: CacheFolder) -> None:
    cache.root.write_bytes(b"a file where the folder should be")
    with pytest.raises(CacheError, match=r"the cache .*cache cannot be written: .*--cache-dir or CONDA_DOCKER_CACHE"):
        cache.write_note(NoteKind.INDEX, KEY, b"{}")
    cache.remember(NoteKind.INDEX, KEY, b"{}")


@only_linux
def test_a_folder_that_cannot_be_made_was_not_deleted() -> None:
    with pytest.raises(CacheError, match=r"the cache /proc/none cannot be written: .*choose another folder"):
        CacheFolder(Path("/proc/none")).write_note(NoteKind.INDEX, KEY, b"{}")


def test_a_full_disk_is_the_same_error(cache: CacheFolder) -> None:
    # What writing to an open file raises names no file.
    with pytest.raises(CacheError, match="cannot be written: No space left"), cache.writing():
        raise OSError(errno.ENOSPC, "No space left on device")


def test_errors_of_other_folders_are_not_the_cache_s(cache: CacheFolder, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), cache.writing():
        (tmp_path / "elsewhere").read_bytes()


def test_what_is_read_counts_as_used(cache: CacheFolder) -> None:
    cache.write_note(NoteKind.INDEX, KEY, b"{}")
    note = cache.note(NoteKind.INDEX, KEY)
    os.utime(note, (1, 1))
    cache.read_note(NoteKind.INDEX, KEY)
    assert note.stat().st_mtime > 1
