"""Labels of a git checkout, read without running anything that is in it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from conda_docker.source_labels.git import labels_from_git, web_url
from python_docker.errors import NotFound

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")

PREFIX = "org.opencontainers.image."


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=Someone", "-c", "user.email=someone@example.com", "-c", "commit.gpgsign=false")
    dates = {"GIT_AUTHOR_DATE": "1000000000 +0000", "GIT_COMMITTER_DATE": "1000000000 +0200", "PATH": "/usr/bin:/bin"}
    environment = dates | {"HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", folder, *settings, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with one commit and a remote."""
    folder = tmp_path / "app"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "file").write_text("content")
    git(folder, "add", "file")
    git(folder, "commit", "--quiet", "--message", "First")
    git(folder, "remote", "add", "origin", "https://me:secret@example.com/org/app.git")
    return folder


def test_a_commit_and_where_it_is_from(checkout: Path) -> None:
    (checkout / "below").mkdir()
    assert labels_from_git(checkout / "below") == {
        f"{PREFIX}revision": git(checkout, "rev-parse", "HEAD"),
        f"{PREFIX}created": "2001-09-09T01:46:40Z",
        f"{PREFIX}source": "https://example.com/org/app",
    }


@pytest.mark.parametrize(("tag", "version"), [("v1.2", "1.2"), ("1.2", "1.2"), ("vega", "vega")])
def test_a_tag_is_the_version(tag: str, version: str, checkout: Path) -> None:
    git(checkout, "tag", tag)
    assert labels_from_git(checkout)[f"{PREFIX}version"] == version


def test_no_time_after_source_date_epoch(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert labels_from_git(checkout)[f"{PREFIX}created"] == "1970-01-02T00:00:00Z"


def test_nothing_of_the_repository_is_run(checkout: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    settings = ("core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "filter.f.clean", "diff.d.command")
    for setting in (*settings, "diff.external", "core.askPass", "credential.helper", "core.gitProxy"):
        git(checkout, "config", setting, str(program))
    git(checkout, "config", "log.showSignature", "true")
    (checkout / ".gitattributes").write_text("* filter=f diff=d\n")
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "fsmonitor-watchman"):
        shutil.copy(program, checkout / ".git/hooks" / hook)
    assert labels_from_git(checkout)[f"{PREFIX}revision"]
    assert not ran.exists()


@pytest.mark.parametrize("remote", ["ext::sh -c PROGRAM", "REPOSITORY"])
def test_a_commit_that_a_partial_clone_lacks_is_not_fetched(checkout: Path, tmp_path: Path, remote: str) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    settings = {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": remote.replace("PROGRAM", str(program)).replace("REPOSITORY", str(tmp_path)),
        "remote.origin.uploadPack": str(program),
        "protocol.allow": "always",
    }
    commit = git(checkout, "rev-parse", "HEAD")
    (checkout / ".git/objects" / commit[:2] / commit[2:]).unlink()
    for name, value in settings.items():
        git(checkout, "config", name, value)
    with pytest.raises(NotFound, match=r"there is no commit of a git checkout in .*: fatal: "):
        labels_from_git(checkout)
    assert not ran.exists()


def test_a_hook_of_another_repository_is_told_of_the_folder_s(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert labels_from_git(checkout)[f"{PREFIX}revision"] == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("with_repository", [False, True])
def test_a_folder_without_a_commit(with_repository: bool, tmp_path: Path) -> None:
    if with_repository:
        git(tmp_path, "init", "--quiet")
    with pytest.raises(NotFound, match="there is no commit of a git checkout"):
        labels_from_git(tmp_path)


def test_git_itself_may_be_missing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    with pytest.raises(NotFound, match="git, which labels"):
        labels_from_git(checkout)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/org/app.git", "https://github.com/org/app"),
        ("https://x-access-token:abc@github.com/org/app", "https://github.com/org/app"),
        ("http://example.com/app/?private_token=secret", "http://example.com/app"),
        ("ssh://git:secret@example.com:2222/org/app.git", "https://example.com/org/app"),
        ("git@example.com:org/app.git", "https://example.com/org/app"),
        ("example.com:/org/app", "https://example.com/org/app"),
        ("git://example.com/app", "https://example.com/app"),
        ("/srv/git/app.git", None),
        ("file:///srv/git/app.git", None),
        ("C:/src/app", None),
        ("../app", None),
    ],
)
def test_addresses_hold_no_credentials_and_no_paths_of_this_machine(remote: str, expected: str | None) -> None:
    assert web_url(remote) == expected
