"""Which packages on this machine count as found."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.locked import LockedPackage
from conda_docker.package.fetch.find import download_path, find_package, find_packages, package_caches
from tests.conda_docker.channel import File, HardLink, Symlink, SyntheticChannel, SyntheticPackage

PACKAGE = SyntheticPackage(
    name="a",
    files={
        "bin/a": File(b"#!/bin/sh\n", mode=0o755),
        "lib/a/__init__.py": "x = 1\n",
        "lib/b.py": HardLink("lib/a/__init__.py"),
        "lib/link": Symlink("a"),
    },
)
NOT_HERE = "https://conda.example.org/team"


@pytest.fixture
def record(synthetic_channel: SyntheticChannel) -> LockedPackage:
    """Return the package as it is published elsewhere."""
    synthetic_channel.add(PACKAGE)
    return synthetic_channel.locked(PACKAGE, url=NOT_HERE)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return an empty folder that a client might keep packages in."""
    folder = tmp_path / "pkgs"
    folder.mkdir()
    return folder


Extract = Callable[[Path, LockedPackage], Path]


def extract_as_conda(folder: Path, record: LockedPackage, **fields: object) -> Path:
    extracted = PACKAGE.extract(folder)
    note = {"name": record.name, "sha256": record.sha256, "md5": record.md5, "url": record.url, **fields}
    (extracted / "info" / "repodata_record.json").write_text(
        json.dumps({key: value for key, value in note.items() if value is not None})
    )
    return extracted


def extract_as_rattler(folder: Path, record: LockedPackage) -> Path:
    extracted = PACKAGE.extract(folder)
    assert record.sha256 is not None
    extracted.with_name(f"{extracted.name}.lock").write_bytes(bytes(7) + b"\1" + bytes.fromhex(record.sha256))
    return extracted


def find(record: LockedPackage, *caches: Path, cache_dir: Path | None = None) -> Path | None:
    return find_package(record, cache_dir, caches=caches)


def test_an_archive_in_a_flat_cache_is_found(
    record: LockedPackage, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    archive = Path(shutil.copy(synthetic_channel.path(PACKAGE), cache))
    assert find(record, cache) == archive


def test_an_archive_where_mamba_keeps_it_is_found(
    record: LockedPackage, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    folder = cache / "https" / "conda.example.org" / "team" / "linux-64"
    folder.mkdir(parents=True)
    archive = Path(shutil.copy(synthetic_channel.path(PACKAGE), folder))
    assert find(record, cache) == archive


def test_a_port_in_mambas_folders_is_found(cache: Path, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(PACKAGE)
    record = synthetic_channel.locked(PACKAGE, url="http://me:secret@localhost:8080/t/tk-1/team")
    folder = cache / "http" / "localhost_8080" / "team" / "linux-64"
    folder.mkdir(parents=True)
    archive = Path(shutil.copy(synthetic_channel.path(PACKAGE), folder))
    assert find(record, cache) == archive


def test_another_package_of_the_same_name_is_not_found(
    record: LockedPackage, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    archive = shutil.copy(synthetic_channel.path(PACKAGE), cache)
    content = bytearray(Path(archive).read_bytes())
    content[-1] ^= 1  # of the same size
    Path(archive).write_bytes(content)
    assert find(record, cache) is None


def test_the_md5_decides_where_no_sha256_is_known(
    cache: Path, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(PACKAGE)
    archive = Path(shutil.copy(synthetic_channel.path(PACKAGE), cache))
    assert find(synthetic_channel.locked(PACKAGE, url=NOT_HERE, sha256=None), cache) == archive
    assert find(synthetic_channel.locked(PACKAGE, url=NOT_HERE, sha256=None, md5=32 * "0"), cache) is None


def test_a_wrong_md5_does_not_matter_where_the_sha256_is_right(
    cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    synthetic_channel.add(PACKAGE)
    archive = Path(shutil.copy(synthetic_channel.path(PACKAGE), cache))
    assert find(synthetic_channel.locked(PACKAGE, url=NOT_HERE, md5=32 * "0"), cache) == archive


def test_an_archive_of_another_size_is_not_even_hashed(cache: Path, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(PACKAGE)
    shutil.copy(synthetic_channel.path(PACKAGE), cache)
    assert find(synthetic_channel.locked(PACKAGE, url=NOT_HERE, size=1), cache) is None


def test_without_any_hash_nothing_in_a_cache_can_be_told_apart(
    cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    synthetic_channel.add(PACKAGE)
    shutil.copy(synthetic_channel.path(PACKAGE), cache)
    assert find(synthetic_channel.locked(PACKAGE, url=NOT_HERE, sha256=None, md5=None), cache) is None


def test_a_file_url_is_found_where_it_leads(synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(PACKAGE)
    assert find(synthetic_channel.locked(PACKAGE)) == synthetic_channel.path(PACKAGE)


def test_a_file_url_with_a_space_and_a_percent_is_found(tmp_path: Path) -> None:
    channel = SyntheticChannel(tmp_path / "a channel 100%")
    channel.add(PACKAGE)
    assert find(channel.locked(PACKAGE)) == channel.path(PACKAGE)


def test_a_file_url_whose_sha256_is_wrong_is_not_found(synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(PACKAGE)
    assert find(synthetic_channel.locked(PACKAGE, sha256=64 * "0")) is None


def test_our_own_download_is_found(record: LockedPackage, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    path = download_path(record, tmp_path / "own")
    path.parent.mkdir(parents=True)
    shutil.copy(synthetic_channel.path(PACKAGE), path)
    assert path.name == f"{record.sha256}-a-1.0-0.conda"
    assert find(record, cache_dir=tmp_path / "own") == path


def test_a_damaged_download_of_ours_is_not_found(record: LockedPackage, tmp_path: Path) -> None:
    path = download_path(record, tmp_path / "own")
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(record.size or 0))
    assert find(record, cache_dir=tmp_path / "own") is None


def test_a_download_without_hashes_is_known_by_its_public_url(synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(PACKAGE)
    nothing: dict[str, Any] = {"sha256": None, "md5": None}
    one = download_path(synthetic_channel.locked(PACKAGE, url=NOT_HERE, **nothing), Path("cache"))
    same = synthetic_channel.locked(PACKAGE, url="https://me:secret@conda.example.org/t/tk-1/team", **nothing)
    other = synthetic_channel.locked(PACKAGE, url="https://conda.example.org/other", **nothing)
    assert download_path(same, Path("cache")) == one
    assert download_path(other, Path("cache")) != one
    assert "secret" not in one.name


@pytest.mark.parametrize("extract", [extract_as_conda, extract_as_rattler])
def test_an_extracted_folder_is_found(extract: Extract, record: LockedPackage, cache: Path) -> None:
    assert find(record, cache) is None
    folder = extract(cache, record)
    assert find(record, cache) == folder


@pytest.mark.parametrize("extract", [extract_as_conda, extract_as_rattler])
def test_an_archive_is_preferred_to_a_folder(
    extract: Extract, record: LockedPackage, cache: Path, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    extract(cache, record)
    elsewhere = tmp_path / "more"
    elsewhere.mkdir()
    archive = Path(shutil.copy(synthetic_channel.path(PACKAGE), elsewhere))
    assert find(record, cache, elsewhere) == archive


def test_a_folder_of_rattlers_real_cache_is_found(
    record: LockedPackage, tmp_path: Path, synthetic_channel: SyntheticChannel, rattler: object
) -> None:
    import rattler as library

    from conda_docker.channels.rattler_engine import run

    cache = tmp_path / "rattler"
    archive = synthetic_channel.path(PACKAGE)
    found = run(lambda: library.RepoDataRecord.from_package_archive(archive))
    run(lambda: library.install([found], tmp_path / "prefix", cache_dir=cache, show_progress=False))
    assert find(record, cache) == cache / "a-1.0-0"


def test_a_folder_that_keeps_origins_apart_is_found(record: LockedPackage, cache: Path) -> None:
    folder = extract_as_rattler(cache, record)
    name = f"{folder.name}-{hashlib.sha256(record.url.encode()).hexdigest()}"
    kept_apart = folder.rename(cache / name)
    (cache / f"{folder.name}.lock").rename(cache / f"{name}.lock")
    assert find(record, cache) == kept_apart


def test_a_folder_of_another_package_is_not_found(record: LockedPackage, cache: Path) -> None:
    extract_as_conda(cache, record, sha256=64 * "0")
    assert find(record, cache) is None


def test_a_rattler_folder_of_another_package_is_not_found(record: LockedPackage, cache: Path) -> None:
    folder = extract_as_rattler(cache, record)
    folder.with_name(f"{folder.name}.lock").write_bytes(bytes(40))
    assert find(record, cache) is None


def test_a_folder_without_any_note_is_not_found(record: LockedPackage, cache: Path) -> None:
    PACKAGE.extract(cache)
    assert find(record, cache) is None


def test_the_md5_of_a_note_decides_where_it_has_no_sha256(record: LockedPackage, cache: Path) -> None:
    folder = extract_as_conda(cache, record, sha256=None)
    assert find(record, cache) == folder
    extract_as_conda(cache, record, sha256=None, md5=32 * "0")
    assert find(record, cache) is None


def test_the_url_of_a_note_decides_where_no_hash_is_known(synthetic_channel: SyntheticChannel, cache: Path) -> None:
    synthetic_channel.add(PACKAGE)
    record = synthetic_channel.locked(PACKAGE, url="https://me:secret@conda.example.org/team", sha256=None, md5=None)
    folder = extract_as_conda(cache, record, url=f"{NOT_HERE}/linux-64/a-1.0-0.conda")
    assert find(record, cache) == folder
    extract_as_conda(cache, record, url="https://conda.example.org/other/linux-64/a-1.0-0.conda")
    assert find(record, cache) is None


@pytest.mark.parametrize("extract", [extract_as_conda, extract_as_rattler])
def test_a_folder_with_an_edited_file_is_not_found(extract: Extract, record: LockedPackage, cache: Path) -> None:
    folder = extract(cache, record)
    (folder / "lib/a/__init__.py").write_text("x = 2\n")
    assert find(record, cache) is None


@pytest.mark.parametrize("lost", ["bin/a", "lib/b.py", "lib/link"])
def test_a_folder_that_lost_a_file_is_not_found(lost: str, record: LockedPackage, cache: Path) -> None:
    folder = extract_as_conda(cache, record)
    (folder / lost).unlink()
    assert find(record, cache) is None


def test_a_folder_with_a_broken_note_is_not_found(record: LockedPackage, cache: Path) -> None:
    folder = extract_as_conda(cache, record)
    (folder / "info/repodata_record.json").write_text('["no object"]')
    assert find(record, cache) is None


def test_the_source_of_a_record_is_found(record: LockedPackage, tmp_path: Path) -> None:
    from dataclasses import replace

    folder = extract_as_conda(tmp_path / "elsewhere", record)
    assert find(replace(record, source=folder)) == folder
    (folder / "bin/a").write_text("edited")
    assert find(replace(record, source=folder)) is None


def test_a_cache_that_may_not_be_read_is_passed_over(record: LockedPackage, cache: Path) -> None:
    (cache / record.file_name).symlink_to(record.file_name)  # a circle: even root cannot follow it
    (cache / record.stem).symlink_to(record.stem)
    assert find(record, cache) is None


def test_the_folders_of_every_client_are_looked_into(tmp_path: Path) -> None:
    home = tmp_path / "somebody"
    wanted = [
        tmp_path / "named",
        tmp_path / "pixi/pkgs",
        tmp_path / "rattler/pkgs",
        home / ".cache/rattler/cache/pkgs",
        tmp_path / "root/pkgs",
        tmp_path / "mamba/pkgs",
        tmp_path / "conda/pkgs",
        home / ".conda/pkgs",
        home / ".mamba/pkgs",
    ]
    for folder in wanted:
        folder.mkdir(parents=True)
    environ = {
        "HOME": str(home),
        "PIXI_CACHE_DIR": str(tmp_path / "pixi"),
        "RATTLER_CACHE_DIR": str(tmp_path / "rattler"),
        "MAMBA_ROOT_PREFIX": str(tmp_path / "mamba"),
        "CONDA_PREFIX": str(tmp_path / "conda/envs/work"),
    }
    configuration = CondaConfiguration(pkgs_dirs=(tmp_path / "named",), root_prefixes=(tmp_path / "root",))
    assert list(package_caches(environ, configuration)) == wanted


def test_the_user_configuration_names_folders(tmp_path: Path) -> None:
    home = tmp_path / "somebody"
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    home.mkdir()
    (home / ".condarc").write_text(f"pkgs_dirs:\n  - {tmp_path}/one\n  - ~/../two\n")
    environ = {"HOME": str(home), "CONDA_PKGS_DIRS": f"{tmp_path}/three,{tmp_path}/gone"}
    assert [folder.name for folder in package_caches(environ)] == ["three", "one", "two"]


def test_a_folder_by_two_names_is_one(tmp_path: Path) -> None:
    (tmp_path / "pkgs").mkdir()
    (tmp_path / "link").symlink_to("pkgs")
    configuration = CondaConfiguration(pkgs_dirs=(tmp_path / "link", tmp_path / "pkgs"))
    assert package_caches({"HOME": str(tmp_path / "home")}, configuration) == (tmp_path / "pkgs",)


def test_pipes_in_the_place_of_archives_do_not_hang(record: LockedPackage, cache: Path) -> None:
    os.mkfifo(cache / record.file_name)
    assert find(record, cache) is None


@pytest.mark.parametrize("name", ["repodata_record.json", "index.json", "paths.json"])
def test_pipes_in_a_folder_do_not_hang(record: LockedPackage, cache: Path, name: str) -> None:
    note = extract_as_conda(cache, record) / "info" / name
    note.unlink()
    os.mkfifo(note)
    assert find(record, cache) is None


def test_a_pipe_in_the_place_of_rattlers_note_does_not_hang(record: LockedPackage, cache: Path) -> None:
    folder = extract_as_conda(cache, record)
    (folder / "info" / "repodata_record.json").unlink()
    os.mkfifo(folder.with_name(f"{folder.name}.lock"))
    assert find(record, cache) is None


def test_packages_are_looked_for_and_not_downloaded(
    record: LockedPackage, cache: Path, synthetic_channel: SyntheticChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_PKGS_DIRS", str(cache))
    here = synthetic_channel.locked(PACKAGE)
    assert find_packages([record, here]) == [None, synthetic_channel.path(PACKAGE)]
    folder = extract_as_conda(cache, record)
    assert find_packages([record]) == [None]
    assert find_packages([record], extracted=True) == [folder]
