"""Environments that exist are read from conda-meta, whoever installed them."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import rattler

from conda_docker.channels.rattler_engine import run
from conda_docker.environment.inputs.pip_installed import Editable, PipPackages
from conda_docker.environment.inputs.prefix import read_prefix
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage

HOST = "https://conda.example.org/team"


def record(name: str, *, subdir: str = "linux-64", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1.0",
        "build": "0",
        "build_number": 0,
        "subdir": subdir,
        "depends": [],
        "fn": f"{name}-1.0-0.conda",
        "url": f"{HOST}/{subdir}/{name}-1.0-0.conda",
        "channel": HOST,
        "sha256": "a" * 64,
        "files": [],
        "paths_data": {"paths": [], "paths_version": 1},
        "link": {"source": "/gone", "type": 1},
        **fields,
    }


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return an environment with two packages, of which `tool` needs `library`."""
    folder = tmp_path / "envs" / "analysis"
    add(folder, record("library", subdir="noarch", noarch="generic"))
    add(folder, record("tool", depends=["library >=1"]))
    return folder


def add(prefix: Path, fields: dict[str, Any]) -> None:
    meta = prefix / "conda-meta"
    meta.mkdir(parents=True, exist_ok=True)
    (meta / "history").touch()
    (meta / f"{fields['name']}-1.0-0.json").write_text(json.dumps(fields))


def test_packages_in_order(prefix: Path) -> None:
    found = read_prefix(prefix)
    assert [package.name for package in found.packages] == ["library", "tool"]
    assert (found.subdir, found.name, found.channels) == ("linux-64", "analysis", (f"{HOST}/",))
    assert found.complete
    assert found.packages[1].sha256 == "a" * 64
    assert "files" not in found.packages[1].record


def test_an_environment_that_rattler_made(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="tool", depends=["library"], files={"bin/tool": "x"}),
        SyntheticPackage(name="library", noarch="generic", files={"share/library": "x"}),
    )
    records = run(lambda: rattler.solve([synthetic_channel.url], ["tool"], platforms=["linux-64", "noarch"]))
    run(lambda: rattler.install(records, tmp_path / "made", cache_dir=tmp_path / "cache", show_progress=False))
    found = read_prefix(tmp_path / "made")
    assert [package.name for package in found.packages] == ["library", "tool"]
    assert [package.url for package in found.packages] == [record.url for record in reversed(records)]
    assert found.packages[1].source == tmp_path / "cache" / "tool-1.0-0"


def test_the_archive_in_the_cache_is_the_source(prefix: Path, tmp_path: Path) -> None:
    archive = SyntheticPackage(name="tool").write(tmp_path / "pkgs")
    folder = SyntheticPackage(name="tool").extract(tmp_path / "pkgs")
    add(prefix, record("tool", package_tarball_full_path=str(archive), extracted_package_dir=str(folder)))
    assert read_prefix(prefix).packages[0].source == archive
    archive.unlink()
    assert read_prefix(prefix).packages[0].source == folder


def test_a_folder_in_the_cache_that_is_another_package_by_now_is_no_source(prefix: Path, tmp_path: Path) -> None:
    folder = SyntheticPackage(name="tool", version="2.0").extract(tmp_path / "pkgs")
    add(prefix, record("tool", link={"source": str(folder), "type": 1}))
    assert [package.source for package in read_prefix(prefix).packages] == [None, None]


def test_what_was_asked_for_by_the_records(prefix: Path) -> None:
    add(prefix, record("tool", requested_specs=["tool >=1"], requested_spec="tool"))
    assert read_prefix(prefix).requested == ("tool>=1",)


def test_what_was_asked_for_by_the_history(prefix: Path) -> None:
    (prefix / "conda-meta/history").write_text(
        "==> 2024-01-01 00:00:00 <==\n# cmd: conda create\n# conda version: 24.1\n+team/linux-64::tool-1.0-0\n"
        "# update specs: ['tool=0.9', \"library[version='>=1']\", 'gone']\n"
        "==> 2024-01-02 00:00:00 <==\n# update specs: ['team::tool>=1']\n# remove specs: ['library']\n"
    )
    assert read_prefix(prefix).requested == ("team::tool>=1",)


def test_variables(prefix: Path) -> None:
    (prefix / "conda-meta/state").write_text('{"env_vars": {"A": "b", "GONE": "***unset***", "N": 1}, "version": 1}')
    assert read_prefix(prefix).variables == {"A": "b", "N": "1"}


def test_credentials_in_records_stay_in_the_url_alone(prefix: Path) -> None:
    url = "https://me:s3cret@conda.example.org/t/tk-s3cret/team/linux-64/tool-1.0-0.conda"
    add(prefix, record("tool", url=url, channel="https://conda.example.org/t/tk-s3cret/team"))
    tool = read_prefix(prefix).packages[0]
    assert tool.url == url
    assert "s3cret" not in str(tool.record) + str(tool.channel)


def test_packages_of_pip_are_refused_by_name(prefix: Path) -> None:
    site_packages = prefix / "lib/python3.12/site-packages"
    for name in ("owned-1.dist-info", "requests-2.31.0.dist-info", "old_egg-1-py3.12.egg-info", "mine.egg-link"):
        (site_packages / name).mkdir(parents=True)
    add(prefix, record("owned", files=["lib/python3.12/site-packages/owned-1.dist-info/METADATA"]))
    with pytest.raises(UnsupportedInput, match=r"mine, old-egg==1, requests==2\.31\.0"):
        read_prefix(prefix, pip_packages=PipPackages.REFUSE)
    found = read_prefix(prefix, pip_packages=PipPackages.WARN)
    assert found.warnings == ("packages that pip installed are left out: mine, old-egg==1, requests==2.31.0",)
    assert len(found.packages) == 3


def test_an_egg_info_file_of_a_package_is_its_own(prefix: Path) -> None:
    path = "lib/python3.12/site-packages/owned-1-py3.12.egg-info"
    (prefix / path).parent.mkdir(parents=True)
    (prefix / path).touch()
    add(prefix, record("owned", files=[path]))
    assert len(read_prefix(prefix).packages) == 3


def test_a_package_without_a_url_is_refused(prefix: Path) -> None:
    add(prefix, record("tool", url=None))
    with pytest.raises(UnsupportedInput, match="the package tool of this environment has no URL"):
        read_prefix(prefix)


def test_packages_for_another_platform(prefix: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="holds packages for linux-64, and linux-aarch64 was asked for"):
        read_prefix(prefix, subdir="linux-aarch64")
    add(prefix, record("other", subdir="osx-64"))
    with pytest.raises(InvalidEnvironment, match="mixes packages for linux-64, osx-64"):
        read_prefix(prefix)


def test_packages_for_another_system(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/a-1.0-0.json").write_text(json.dumps(record("a", subdir="win-64")))
    with pytest.raises(UnsupportedInput, match=f"{tmp_path} holds packages for win-64, which do not run in a Linux"):
        read_prefix(tmp_path)


@pytest.mark.parametrize("hidden", ["<TOKEN>", "*****"])
def test_hidden_tokens_in_records_are_left_out(prefix: Path, hidden: str) -> None:
    url = "https://conda.example.org/t/{}team/linux-64/hidden-1.0-0.conda"
    fields = record("hidden", url=url.format(f"{hidden}/"), channel=f"https://conda.example.org/t/{hidden}/team")
    (prefix / "conda-meta/hidden-1.0-0.json").write_text(json.dumps(fields))
    found = next(package for package in read_prefix(prefix).packages if package.name == "hidden")
    assert found.url == "https://conda.example.org/team/linux-64/hidden-1.0-0.conda"


def test_an_empty_environment(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    assert read_prefix(tmp_path, subdir="linux-64").packages == ()


def test_what_is_no_environment(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="it has no folder conda-meta"):
        read_prefix(tmp_path)
    with pytest.raises(InvalidEnvironment, match="there is no folder"):
        read_prefix(tmp_path / "missing")


def test_the_name_of_a_package_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which earlier releases of docker_envs took for `-p`."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InvalidEnvironment, match="no folder flask: -p takes the folder of an environment; packages need"
    ):
        read_prefix(Path("flask"))


def test_a_folder_that_may_not_be_read(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may be root's, who may read everything."""

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(InvalidEnvironment, match=f"cannot read {prefix}/conda-meta: Permission denied"):
        read_prefix(prefix)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_damaged_record(prefix: Path, content: bytes) -> None:
    (prefix / "conda-meta/broken-1-0.json").write_bytes(content)
    with pytest.raises(InvalidEnvironment):
        read_prefix(prefix)


def test_a_damaged_state(prefix: Path) -> None:
    (prefix / "conda-meta/state").write_text("{")
    with pytest.raises(InvalidEnvironment, match="which holds the environment's variables"):
        read_prefix(prefix)


@pytest.mark.parametrize("name", ["x-1-0.json", "state", "history"])
def test_pipes_are_not_waited_for(prefix: Path, name: str) -> None:
    add(prefix, record("tool"))
    (prefix / "conda-meta" / name).unlink(missing_ok=True)
    os.mkfifo(prefix / "conda-meta" / name)
    if name == "history":
        assert read_prefix(prefix).requested == ()
        return
    with pytest.raises(InvalidEnvironment, match="not a regular file"):
        read_prefix(prefix)


def test_what_pip_installed_is_known_by_its_metadata(prefix: Path) -> None:
    site_packages = prefix / "lib/python3.12/site-packages"
    (site_packages / "Requests-2.31.0.dist-info").mkdir(parents=True)
    installed = read_prefix(prefix).installed
    assert installed is not None
    assert (installed.root, installed.whole) == (prefix, True)
    assert [each.requirement for each in installed.distributions] == ["requests==2.31.0"]
    only = read_prefix(prefix, only_packages=True).installed
    assert only is not None
    assert (only.whole, only.distributions) == (False, installed.distributions)


def test_packages_that_pip_installed_in_place_may_be_refused(prefix: Path) -> None:
    folder = prefix / "lib/python3.12/site-packages/edited-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "direct_url.json").write_text('{"url": "file:///src", "dir_info": {"editable": true}}')
    assert read_prefix(prefix).installed is not None
    with pytest.raises(UnsupportedInput, match=r"installed in place \(edited\), which --editable refuse"):
        read_prefix(prefix, editable=Editable.REFUSE)


def test_a_virtual_environment_is_no_conda_environment(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").touch()
    with pytest.raises(InvalidEnvironment, match=r"it is a virtual environment of Python.*pip freeze"):
        read_prefix(tmp_path)


def test_a_folder_of_environments_names_them(tmp_path: Path) -> None:
    (tmp_path / ".pixi/envs/default/conda-meta").mkdir(parents=True)
    with pytest.raises(InvalidEnvironment, match=r"there are environments in it: .*\.pixi/envs/default"):
        read_prefix(tmp_path)


@pytest.mark.parametrize("inside", ["conda-meta", "conda-meta/history"])
def test_what_is_in_an_environment_names_it(prefix: Path, inside: str) -> None:
    with pytest.raises(InvalidEnvironment, match=f"the environment is {prefix}"):
        read_prefix(prefix / inside)


def test_the_environment_of_a_pixi_project(tmp_path: Path) -> None:
    prefix = tmp_path / "project/.pixi/envs/default"
    add(prefix, record("tool"))
    (prefix / "conda-meta/pixi").write_text("{}")
    found = read_prefix(prefix)
    assert [package.name for package in found.packages] == ["tool"]
    assert found.name == "default"
