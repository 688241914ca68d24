"""What packages say of themselves is remembered by their hashes; a cache that fails costs time alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conda_docker.environment.locked import package_from_url
from conda_docker.package.fetch.index_cache import IndexCache

PACKAGE = package_from_url("https://host/noarch/a-1-0.conda", sha256="a" * 64)


def test_what_was_put_is_there_the_next_time(tmp_path: Path) -> None:
    IndexCache(tmp_path / "cache").put(PACKAGE, {"name": "a", "depends": ["b"]})
    assert IndexCache(tmp_path / "cache").get(PACKAGE) == {"name": "a", "depends": ["b"]}
    assert IndexCache(tmp_path / "cache").get(replace(PACKAGE, sha256="b" * 64)) is None


def test_an_older_hash_will_do(tmp_path: Path) -> None:
    package = replace(PACKAGE, sha256=None, md5="b" * 32)
    IndexCache(tmp_path / "cache").put(package, {"name": "a"})
    assert IndexCache(tmp_path / "cache").get(package) == {"name": "a"}


def test_without_a_hash_nothing_is_known(tmp_path: Path) -> None:
    package = replace(PACKAGE, sha256=None)
    IndexCache(tmp_path / "cache").put(package, {"name": "a"})
    assert IndexCache(tmp_path / "cache").get(package) is None


def test_a_damaged_note_is_none(tmp_path: Path) -> None:
    IndexCache(tmp_path / "cache").put(PACKAGE, {"name": "a"})
    [note] = [path for path in tmp_path.rglob("*") if path.is_file() and "a" * 64 in path.name]
    for content in (b"{", b"[]"):
        note.write_bytes(content)
        assert IndexCache(tmp_path / "cache").get(PACKAGE) is None
