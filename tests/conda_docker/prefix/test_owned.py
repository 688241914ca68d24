"""What records say of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.prefix.owned import OwnedFile, check_whole, files_of_distribution, files_of_record

A, B = "a" * 64, "b" * 64


def record(tmp_path: Path, *rows: dict[str, object], files: tuple[str, ...] = ()) -> Path:
    fields = {"name": "x", "version": "1", "build": "0", "files": list(files), "paths_data": {"paths": list(rows)}}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(fields))
    return path


def test_the_hash_of_what_was_written(tmp_path: Path) -> None:
    file = record(
        tmp_path,
        {"_path": "plain", "path_type": "hardlink", "sha256": A},
        {"_path": "rewritten", "path_type": "hardlink", "sha256": A, "sha256_in_prefix": B, "prefix_placeholder": "/p"},
        {"_path": "unknown", "path_type": "hardlink", "sha256": A, "prefix_placeholder": "/p"},
        {"_path": "link", "path_type": "softlink", "sha256": A, "sha256_in_prefix": B},
        files=("listed",),
    )
    assert dict(files_of_record(file)) == {
        "listed": OwnedFile("x-1-0"),
        "plain": OwnedFile("x-1-0", frozenset({A})),
        "rewritten": OwnedFile("x-1-0", frozenset({B})),
        "unknown": OwnedFile("x-1-0"),
        "link": OwnedFile("x-1-0", frozenset({A, B}), link=True),
    }


@pytest.mark.parametrize("path", ["../outside", "a/../../b"])
def test_a_path_out_of_the_prefix(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"x\.json is damaged"):
        dict(files_of_record(record(tmp_path, files=(path,))))


def test_files_of_a_distribution(tmp_path: Path) -> None:
    info = tmp_path / "lib/site-packages/a-1.dist-info"
    info.mkdir(parents=True)
    hash_ = "sha256=" + "A" * 43
    (info / "RECORD").write_text(f"a.py,{hash_},1\n../../bin/a,,\n../../../outside,,\n/etc/x,,\nodd\n")
    found = files_of_distribution(tmp_path, "lib/site-packages/a-1.dist-info", "a")
    assert found == {
        "lib/site-packages/a.py": OwnedFile("a", frozenset({"0" * 64})),
        "bin/a": OwnedFile("a"),
    }
    assert files_of_distribution(tmp_path, "lib/gone.dist-info", "a") == {}


def test_a_package_of_which_nothing_is_left(tmp_path: Path) -> None:
    owned = {"a": OwnedFile("x-1-0"), "b": OwnedFile("x-1-0"), "c": OwnedFile("y-1-0")}
    check_whole(tmp_path, owned.items(), frozenset({"a"}))
    with pytest.raises(InvalidEnvironment, match="is broken: none of the files of x-1-0 are there"):
        check_whole(tmp_path, owned.items(), frozenset({"a", "b"}))
