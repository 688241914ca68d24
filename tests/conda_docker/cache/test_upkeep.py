"""Info, prune and clear see everything in a cache, and nothing outside it."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.cache.contents import cache_info
from conda_docker.cache.folder import CONTENTS, CacheFolder, NoteKind
from conda_docker.cache.upkeep import Pruned, clear_cache, prune_cache
from conda_docker.errors import CacheError
from conda_docker.layers.stores.folder import FolderStore
from tests.conda_docker.cache.filled import add_layer, age, contents, files, fill

Remove = Callable[[CacheFolder], Pruned]

DAY = 24 * 3600


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    """Return a cache with one of everything."""
    return fill(CacheFolder(tmp_path / "cache"))


def test_a_cache_that_is_not_there_is_empty(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path / "missing")
    assert cache_info(cache).size == prune_cache(cache).freed == clear_cache(cache).freed == 0
    assert not cache.root.exists()


@pytest.mark.parametrize("kind", [*NoteKind, "packages", "pythons", "built-wheels"])
def test_prune_by_age_removes_each_kind(cache: CacheFolder, kind: str) -> None:
    before = files(cache.root)
    for path in (cache.root / kind).rglob("*"):
        age(path, 3 * DAY)
    for path in (cache.root / kind).glob("*"):
        age(path, 3 * DAY)
    named = {NoteKind.LAYERS: 1000, NoteKind.BASES: 3000}.get(kind, 0)  # type: ignore[call-overload]
    own = sum(size for name, size in before.items() if name.startswith(f"{kind}/"))
    pruned = prune_cache(cache, max_age=2 * DAY)
    assert pruned.freed == named + own
    assert pruned.left == contents(cache)
    assert not any(name.startswith(f"{kind}/") for name in files(cache.root))
    assert sum(before.values()) - sum(files(cache.root).values()) == pruned.freed


def test_prune_by_size_keeps_what_was_used_last(cache: CacheFolder) -> None:
    paths = [add_layer(cache, key, 10_000) for key in "def"]
    for place, key in enumerate("def"):
        age(cache.note(NoteKind.LAYERS, 64 * key), -1000 + place)  # newer than everything else
    pruned = prune_cache(cache, max_bytes=20_700)
    assert [path.exists() for path in paths] == [True, True, False]
    assert pruned.left == contents(cache) <= 20_700


def test_a_blob_stays_while_a_note_names_it(cache: CacheFolder) -> None:
    path = add_layer(cache, "d", 100)
    entry = {"digest": f"sha256:{path.name}", "size": 100}
    cache.write_note(NoteKind.LAYERS, 64 * "e", json.dumps(entry).encode())
    age(cache.note(NoteKind.LAYERS, 64 * "d"), 9 * DAY)
    age(path, 9 * DAY)
    prune_cache(cache, max_age=DAY)
    assert path.exists()


def test_a_blob_that_no_note_names_goes_after_a_day(cache: CacheFolder) -> None:
    path = cache.blobs.path_of(cache.blobs.add_bytes(b"x", "a/b").descriptor.digest)
    prune_cache(cache)
    assert path.exists(), "another build may be about to write its note"
    age(path, 2 * DAY)
    assert prune_cache(cache).freed == 1
    assert not path.exists()


def test_prune_to_nothing_leaves_only_the_mark(cache: CacheFolder) -> None:
    before = contents(cache)
    pruned = prune_cache(cache, max_bytes=0)
    assert (pruned.freed, pruned.left) == (before, 0)
    assert contents(cache) == 0
    assert cache.is_marked()


def test_what_a_build_under_way_has_used_stays(cache: CacheFolder) -> None:
    path = add_layer(cache, "d", 10_000)
    age(cache.note(NoteKind.LAYERS, 64 * "a"), 7200)
    store = FolderStore(cache.root)
    assert store.get("unknown") is None
    pruned = prune_cache(cache, max_bytes=0)
    assert path.exists()
    assert not cache.note(NoteKind.LAYERS, 64 * "a").exists()
    assert pruned.left == contents(cache)
    del store
    prune_cache(cache, max_bytes=0)
    assert contents(cache) == 0


def test_clear_keeps_what_a_build_under_way_has_used(cache: CacheFolder) -> None:
    path = add_layer(cache, "d", 10_000)
    age(cache.note(NoteKind.LAYERS, 64 * "a"), 7200)
    store = FolderStore(cache.root)
    store.hold()
    cleared = clear_cache(cache)
    assert path.exists()
    assert not cache.note(NoteKind.LAYERS, 64 * "a").exists()
    assert cleared.left == contents(cache)
    assert cleared.freed > 1000
    del store
    assert clear_cache(cache).left == contents(cache) == 0


def test_a_dry_run_removes_nothing_and_foretells_the_rest(cache: CacheFolder) -> None:
    before = files(cache.root)
    for limits in ({"max_bytes": 2000}, {"max_bytes": 0}, {"max_age": 0.0}):
        foretold = prune_cache(cache, dry_run=True, **limits)
        assert files(cache.root) == before
    assert prune_cache(cache, max_age=0.0) == foretold


def test_prune_removes_what_killed_builds_left(cache: CacheFolder) -> None:
    left = ["blobs/.partial-1-0123456789abcdef", "layers/aa/.partial-0123456789abcdef", "pythons/.partial-0123456789ab"]
    (cache.root / left[2]).mkdir()
    for name in left[:2]:
        (cache.root / name).write_bytes(b"x")
    (cache.root / left[2] / "file").write_bytes(b"x")
    stopped = cache.package(".p.conda.partial")
    stopped.write_bytes(b"half")
    assert prune_cache(cache).freed >= 3
    assert not any((cache.root / name).exists() for name in left)
    assert stopped.exists(), "a download goes on where it stopped"
    age(stopped, 2 * DAY)
    assert prune_cache(cache).freed == 4
    assert not stopped.exists()


def test_damaged_notes_are_pruned_like_others(cache: CacheFolder) -> None:
    note = cache.note(NoteKind.LAYERS, 64 * "d")
    note.parent.mkdir()
    note.write_bytes(b"{")
    age(note, 9 * DAY)
    assert prune_cache(cache, max_age=DAY).freed == 1


def test_clear_removes_everything_but_the_mark(cache: CacheFolder) -> None:
    before = contents(cache)
    assert clear_cache(cache) == Pruned(before, 0)
    assert contents(cache) == 0
    assert cache.is_marked()


def test_clear_says_what_cannot_be_removed(cache: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(CacheError, match="can be removed: Read-only file system"):
        clear_cache(cache)


@pytest.mark.parametrize("remove", [clear_cache, lambda cache: prune_cache(cache, max_bytes=0)])
class TestNothingElseIsRemoved:
    def test_from_a_folder_that_is_no_cache(self, remove: Remove, tmp_path: Path) -> None:
        for name in CONTENTS:
            (tmp_path / name).mkdir()
            (tmp_path / name / "file").write_bytes(b"x")
        (tmp_path / "thesis.txt").write_bytes(b"x")
        with pytest.raises(CacheError, match="is not a cache of conda-docker: nothing was removed from it"):
            remove(CacheFolder(tmp_path))
        assert len(files(tmp_path)) == len(CONTENTS) + 1

    @pytest.mark.parametrize("name", CONTENTS)
    def test_from_a_folder_that_only_looks_like_one(self, remove: Remove, tmp_path: Path, name: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x")
        with pytest.raises(CacheError, match="is not a cache of conda-docker: nothing was removed from it"):
            remove(CacheFolder(tmp_path))
        assert (tmp_path / name / "file").exists()

    def test_from_what_is_no_folder(self, remove: Remove, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(CacheError, match="file is not a cache of conda-docker: Not a directory"):
            remove(CacheFolder(tmp_path / "file"))

    @pytest.mark.parametrize("names", [[], [".partial-0123456789abcdef"], ["CACHEDIR.TAG"]])
    def test_from_a_cache_that_is_being_made(self, remove: Remove, tmp_path: Path, names: list[str]) -> None:
        for name in names:
            (tmp_path / name).touch()
        assert remove(CacheFolder(tmp_path)) == Pruned(0, 0)
        assert files(tmp_path) == dict.fromkeys(names, 0)

    def test_from_a_cache_in_which_somebody_keeps_files(self, remove: Remove, cache: CacheFolder) -> None:
        (cache.root / "thesis").mkdir()
        (cache.root / "thesis/file").write_bytes(b"x")
        remove(cache)
        assert (cache.root / "thesis/file").exists()

    @pytest.mark.parametrize("name", CONTENTS)
    def test_through_links(self, remove: Remove, cache: CacheFolder, tmp_path: Path, name: str) -> None:
        outside = tmp_path / "outside"
        (outside / "sha256").mkdir(parents=True)
        for file in (outside / "file", outside / "sha256" / "file"):
            file.write_bytes(b"x")
            age(file, 9 * DAY)
        cache.package("x").with_name("linked").symlink_to(outside / "file")
        clear_cache(cache)
        (cache.root / name).symlink_to(outside)
        remove(cache)
        (cache.root / name).unlink()
        (cache.root / name).mkdir()
        (cache.root / name / "sha256").symlink_to(outside)
        remove(cache)
        assert len(files(outside)) == 2


def test_the_cache_itself_may_be_behind_a_link(cache: CacheFolder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(cache.root)
    linked = CacheFolder(tmp_path / "link")
    before = contents(cache)
    assert cache_info(linked).size == before
    assert clear_cache(linked).freed == before
