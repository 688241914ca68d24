"""What of a prefix its packages do not account for."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from conda_docker.environment.inputs.prefix import read_prefix
from conda_docker.errors import InvalidEnvironment
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.prefix.survey import Share, Survey, survey_prefix
from conda_docker.prefix.survey_notes import notes_of

SITE = "lib/python3.12/site-packages"
MODULE = f"{SITE}/tool.py"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return an environment with one package of three files, all as they were installed."""
    prefix = tmp_path / "env"
    files = {"bin/tool": "x", MODULE: "import this\n", "share/tool": "y"}
    rows = []
    for path, content in files.items():
        put(prefix, path, content)
        digest = hashlib.sha256(content.encode()).hexdigest()
        rows.append({"_path": path, "path_type": "hardlink", "sha256": digest})
    fields = {
        "name": "tool",
        "version": "1",
        "build": "0",
        "subdir": "linux-64",
        "url": "https://conda.example.org/team/linux-64/tool-1-0.conda",
        "files": list(files),
        "paths_data": {"paths": rows},
    }
    put(prefix, "conda-meta/tool-1-0.json", json.dumps(fields))
    put(prefix, "conda-meta/history", "")
    return prefix


def put(prefix: Path, path: str, content: str = "") -> Path:
    file = prefix / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def survey(prefix: Path, filter: FileFilter = KEEP_ALL, *, only_packages: bool = False) -> Survey:
    found = survey_prefix(read_prefix(prefix, only_packages=only_packages), filter)
    assert found is not None
    return found


def shares(prefix: Path, *, only_packages: bool = False) -> dict[str, Share]:
    return {file.place: file.share for file in survey(prefix, only_packages=only_packages).files}


def test_nothing_but_packages(prefix: Path) -> None:
    found = survey(prefix)
    assert (found.files, found.deleted, list(notes_of(found))) == ((), (), [])


def test_own_changed_and_deleted_files(prefix: Path) -> None:
    put(prefix, "bin/own")
    put(prefix, "conda-meta/pinned", "tool 1.*")
    put(prefix, "bin/tool", "changed")
    (prefix / "share/tool").unlink()
    assert shares(prefix) == {"bin/own": Share.OWN, "bin/tool": Share.CHANGED, "conda-meta/pinned": Share.OWN}
    assert survey(prefix).deleted == ("share/tool",)
    assert shares(prefix, only_packages=True) == {}
    assert survey(prefix, only_packages=True).deleted == ()


def test_a_folder_that_went_with_its_files(prefix: Path) -> None:
    (prefix / "share/tool").unlink()
    assert survey(prefix).emptied == ()
    (prefix / "share").rmdir()
    assert (survey(prefix).deleted, survey(prefix).emptied) == (("share/tool",), ("share",))


def test_only_the_outermost_folder_that_is_gone_is_named(prefix: Path) -> None:
    shutil.rmtree(prefix / "lib")
    assert (survey(prefix).deleted, survey(prefix).emptied) == ((MODULE,), ("lib",))
    put(prefix, "lib/own")
    assert survey(prefix).emptied == ("lib/python3.12",)


def test_excluded_files(prefix: Path) -> None:
    put(prefix, "share/own")
    (prefix / "share/tool").unlink()
    found = survey(prefix, FileFilter(exclude=("share",)))
    assert (found.files, found.deleted) == ((), ())


def test_compiled_modules_are_made_again(prefix: Path) -> None:
    put(prefix, f"{SITE}/__pycache__/tool.cpython-312.pyc")
    put(prefix, f"{SITE}/__pycache__/gone.cpython-312.pyc")
    found = survey(prefix)
    assert [file.place for file in found.files] == [f"{SITE}/__pycache__/gone.cpython-312.pyc"]
    assert found.compiled == {MODULE}


def test_files_of_pip(prefix: Path) -> None:
    put(prefix, f"{SITE}/mine.py")
    put(prefix, f"{SITE}/mine-1.dist-info/RECORD", "mine.py,,\nmine-1.dist-info/RECORD,,\n")
    put(prefix, f"{SITE}/egg-1-py3.12.egg-info/PKG-INFO")
    expected = ["egg-1-py3.12.egg-info/PKG-INFO", "mine-1.dist-info/RECORD", "mine.py"]
    assert shares(prefix, only_packages=True) == {f"{SITE}/{path}": Share.PIP for path in expected}


def test_links(prefix: Path) -> None:
    (prefix / "bin/alias").symlink_to("tool")
    cached = put(prefix.parent, "pkgs/tool", "x")
    (prefix / "bin/tool").unlink()
    (prefix / "bin/tool").symlink_to(cached)
    assert shares(prefix) == {"bin/alias": Share.OWN}
    cached.write_text("another")
    assert shares(prefix) == {"bin/alias": Share.OWN, "bin/tool": Share.CHANGED}


def test_files_behind_a_linked_folder_are_those_of_the_package(prefix: Path) -> None:
    (prefix / "share").rename(prefix / "real")
    (prefix / "share").symlink_to("real")
    assert shares(prefix) == {"share": Share.OWN}


def test_caches_of_packages_are_no_part_of_the_base_environment(prefix: Path) -> None:
    put(prefix, "pkgs/urls.txt")
    put(prefix, "pkgs/tool-1-0/bin/tool")
    assert shares(prefix) == {}


def test_credentials_are_left_out(prefix: Path) -> None:
    put(prefix, "pip.conf", "[global]\nindex-url = https://me:word@host/simple\n")
    put(prefix, "etc/.netrc")
    found = survey(prefix)
    assert (found.files, found.withheld) == ((), ("etc/.netrc", "pip.conf"))


def test_every_private_key_is_left_out_and_named(prefix: Path) -> None:
    keys = ("opt/a", "opt/b", "opt/c", "opt/d", "opt/deploy_real", "opt/id_rsa.bak")
    for path in keys:
        put(prefix, path, "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "A" * 4096)
    put(prefix, "ssl/cacert.pem", "-----BEGIN CERTIFICATE-----\n")
    found = survey(prefix)
    assert [file.place for file in found.files] == ["ssl/cacert.pem"]
    assert found.withheld == keys
    assert any(f": {', '.join(keys)};" in note for note in notes_of(found))


def test_keys_in_packages_stay(prefix: Path) -> None:
    key = put(prefix, f"{SITE}/suite/server", "-----BEGIN RSA PRIVATE KEY-----\n")
    put(prefix, f"{SITE}/suite-1.dist-info/RECORD", "suite/server,,\nsuite-1.dist-info/RECORD,,\n")
    found = survey(prefix)
    assert (key.exists(), found.withheld) == (True, ())
    assert f"{SITE}/suite/server" in {file.place for file in found.files}


def editable(prefix: Path, source: Path) -> None:
    origin = {"url": source.as_uri(), "dir_info": {"editable": True}}
    put(prefix, f"{SITE}/mine-1.dist-info/direct_url.json", json.dumps(origin))
    put(prefix, f"{SITE}/mine-1.dist-info/RECORD", "mine-1.dist-info/direct_url.json,,\n")


def test_the_sources_of_what_is_installed_in_place(prefix: Path, tmp_path: Path) -> None:
    for path in ("pyproject.toml", "src/mine.py", ".git/config", ".venv/pyvenv.cfg"):
        put(tmp_path / "mine", path)
    editable(prefix, tmp_path / "mine")
    found = survey(prefix, only_packages=True)
    sources = [file.place for file in found.of(Share.EDITABLE)]
    assert sources == ["src/mine/pyproject.toml", "src/mine/src/mine.py"]


@pytest.mark.parametrize(("path", "said"), [("gone", "is gone"), ("", "not the folder of one package")])
def test_sources_that_cannot_be_copied(prefix: Path, tmp_path: Path, path: str, said: str) -> None:
    editable(prefix, tmp_path / path)
    with pytest.raises(InvalidEnvironment, match=f"mine is installed in place.*{said}"):
        survey(prefix)


def test_a_broken_prefix(prefix: Path) -> None:
    for path in ("bin/tool", MODULE, "share/tool"):
        (prefix / path).unlink()
    with pytest.raises(InvalidEnvironment, match="is broken: none of the files of tool-1-0"):
        survey(prefix)
