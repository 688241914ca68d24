"""Labels of a git checkout: which commit, of which repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from conda_docker.errors import UnsupportedInput
from conda_docker.git import run_git
from conda_docker.redaction import public_text, public_url
from python_docker.errors import NotFound, reason_of
from python_docker.spec.timestamps import LAST_SECOND, clamp, rfc3339

_PREFIX = "org.opencontainers.image"
_SECONDS = 60
# gitglossary has no word for it: `git clone` calls this the "scp-like syntax".
_SCP_LIKE = re.compile(r"(?:[^@/:]+@)?(?P<host>[\w.-]+):(?!//)(?P<path>[^:]+)")
_COMMITTER = re.compile(rb"^committer .*> (?P<seconds>-?\d+) [+-]\d{4}$", re.MULTILINE)
_VERSION = re.compile(r"v(?=\d)")


def labels_from_git(folder: Path) -> dict[str, str]:
    """Return the labels of the checkout that a folder is in.

    They are `revision`, `created` (when it was committed, no later than SOURCE_DATE_EPOCH), `version` where a tag is at
    the commit, and `source` where the remote `origin` has a URL. Raises `NotFound` where there is no git, no checkout
    or no commit, and `UnsupportedInput` with git's words where git refuses the checkout.
    """
    revision = _asked(folder, "rev-parse", "--verify", "HEAD^{commit}").strip()
    commit = _printed(folder, "cat-file", "commit", revision)
    labels = {"revision": revision}
    if (found := _COMMITTER.search(commit or b"")) is not None:
        labels["created"] = rfc3339(clamp(min(int(found["seconds"]), LAST_SECOND)))
    if tag := _text(_printed(folder, "describe", "--tags", "--exact-match", revision)):
        labels["version"] = _VERSION.sub("", tag, count=1)
    remote = _text(_printed(folder, "config", "--get", "remote.origin.url"))
    if remote and (source := web_url(remote)):
        labels["source"] = source
    return {f"{_PREFIX}.{name}": value for name, value in labels.items()}


def web_url(remote: str) -> str | None:
    """Return the address of a repository without credentials, by HTTPS where git uses SSH; None for a local one.

    >>> web_url("git@github.com:org/app.git"), web_url("https://me:secret@example.com/app"), web_url("../app")
    ('https://github.com/org/app', 'https://example.com/app', None)
    """
    scheme, separator, rest = remote.partition("://")
    if not separator:
        found = _SCP_LIKE.fullmatch(remote)
        # A drive of Windows looks the same.
        return _named(f"https://{found['host']}/{found['path'].lstrip('/')}") if found and found["host"][1:] else None
    if scheme in ("ssh", "git", "git+ssh"):
        host, _, path = rest.rpartition("@")[2].partition("/")
        return _named(f"https://{host.partition(':')[0]}/{path}")
    return _named(remote) if scheme in ("https", "http") else None


def _named(url: str) -> str:
    return public_url(url).removesuffix("/").removesuffix(".git")


def _asked(folder: Path, *arguments: str) -> str:
    """Return what git printed. Raises `NotFound`, or `UnsupportedInput` where git does not trust the folder."""
    done = _run(folder, *arguments)
    if done.returncode == 0:
        return done.stdout.decode(errors="replace")
    said = public_text(done.stderr.decode(errors="replace").strip())
    if "dubious ownership" in said:
        raise UnsupportedInput(f"git does not read the checkout in {folder}: {said}")
    # After its warnings.
    reason = next((line for line in said.splitlines() if line.startswith("fatal: ")), said or "no reason")
    raise NotFound(f"there is no commit of a git checkout in {folder}: {reason}")


def _printed(folder: Path, *arguments: str) -> bytes | None:
    done = _run(folder, *arguments)
    return done.stdout if done.returncode == 0 else None


def _text(printed: bytes | None) -> str:
    return (printed or b"").decode(errors="replace").strip()


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return run_git(folder, *arguments, timeout=_SECONDS)
    except NotFound:
        raise NotFound("git, which labels from a checkout are read with, is not installed") from None
    except subprocess.TimeoutExpired:
        raise UnsupportedInput(f"git did not answer within {_SECONDS} seconds in {folder}") from None
    except OSError as error:
        raise UnsupportedInput(f"git cannot be run in {folder}: {reason_of(error)}") from None
