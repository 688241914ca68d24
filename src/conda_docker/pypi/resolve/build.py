"""build_wheel: a wheel from a source distribution, a folder or a repository, by `uv build`, kept in the cache.

Building runs code of the package on this machine, so it happens only when the user allows it. A wheel of pure Python
serves every image; one with compiled code serves those that this machine builds for: same processor, same Python, and
a glibc that is not older than this machine's.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.folder import CacheFolder, mark_used
from conda_docker.cache.notes import read_note, write_note
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import BuildFailed, DownloadError, UnsupportedInput
from conda_docker.git import run_git
from conda_docker.pypi.resolve.source_tree import copy_tree, tree_digest
from conda_docker.pypi.resolve.uv import UvFailed, run_uv
from conda_docker.redaction import public_text, public_url
from python_docker.errors import NotFound
from python_docker.files.atomic import PartialFolder
from python_docker.programs import PYTHON_FLAGS, find_program, run_program

if TYPE_CHECKING:
    from conda_docker.pypi.resolve.pylock import ResolvedPackage
    from conda_docker.pypi.resolve.target import Target


_EPOCH = "315532800"  # 1980-01-01, the first time that a zip can hold: build backends put it on every file
_LAST_LINES = 20
_PROBE_SECONDS = 30
_NOTE = "digest"  # the file next to a wheel that says whether it is as it was built


def _kept_wheel(folder: Path) -> Path | None:
    """Return the wheel that was built before; None when there is none, or it is damaged."""
    for wheel in sorted(folder.glob("*.whl")):
        with suppress(OSError, ValueError):
            if read_note(folder / _NOTE, folder.name) == _digest_of(wheel):
                mark_used(folder)
                return wheel
    return None


def _digest_of(wheel: Path) -> bytes:
    from conda_docker.package.fetch.find import hash_file

    return hash_file(wheel, "sha256").encode("ascii")


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds wheels for `target`. `environment` is what uv is started with, `cache_dir` where wheels are kept."""

    target: Target
    cache_dir: Path
    environment: Mapping[str, str]
    offline: bool = False

    def build(self, package: ResolvedPackage) -> Path:
        """Return the wheel of a package that has none, built now or before.

        Raises `BuildFailed` with the end of what the build said, `DownloadError`, and `UnsupportedInput` for compiled
        code that this machine cannot build for the image. A folder is not written to: a copy of it is built.
        """
        python = _python(self.target)
        with tempfile.TemporaryDirectory(prefix="conda-docker-build-") as scratch:
            source, digest = self._source(package, Path(scratch))
            cache = CacheFolder(self.cache_dir)
            kept = cache.wheel(self._key(digest, python))
            known = _kept_wheel(kept)
            if known is not None:
                return known
            if package.tree is not None:
                source = copy_tree(package.tree, Path(scratch) / "source")
            built = Path(scratch) / "wheel"
            arguments = ["build", "--wheel", "--out-dir", str(built), "--python", python, "--no-python-downloads"]
            try:
                run_uv([*arguments, str(source)], Path(scratch), {**self.environment, "SOURCE_DATE_EPOCH": _EPOCH})
            except UvFailed as failure:
                raise BuildFailed(
                    f"the wheel of {package.name} cannot be built from source:\n{_end_of(failure.output)}"
                ) from None
            wheel = self._checked(package, built, python)
            with cache.writing():
                kept.parent.mkdir(parents=True, exist_ok=True)
                with PartialFolder(kept.parent) as partial:
                    shutil.copyfile(wheel, partial.path / wheel.name)
                    write_note(partial.path / _NOTE, kept.name, _digest_of(wheel))
                    shutil.rmtree(kept, ignore_errors=True)
                    partial.commit_unless_there(kept)
            return kept / wheel.name

    def _key(self, digest: str, python: str) -> str:
        """Return what a built wheel is known by: its source, and for whom it was built."""
        what = "\n".join([digest, self.target.python, self.target.architecture, str(self.target.glibc), python])
        return hashlib.sha256(what.encode()).hexdigest()

    def _source(self, package: ResolvedPackage, scratch: Path) -> tuple[Path, str]:
        """Return what is to be built, and a digest of it."""
        if package.source is not None:
            return self._downloaded(package, scratch)
        if package.tree is not None:
            return package.tree, tree_digest(package.tree)
        assert package.vcs is not None
        return _checked_out(package.vcs, scratch / "checkout"), package.vcs

    def _downloaded(self, package: ResolvedPackage, scratch: Path) -> tuple[Path, str]:
        from conda_docker.package.fetch.fetch import fetch_packages
        from conda_docker.package.fetch.find import hash_file

        assert package.source is not None
        source = package.source
        file = LockedWheel(
            name=package.name,
            version=package.version or "",
            url=source.url,
            sha256=source.sha256,
            size=source.size,
        )
        [(_, path)] = fetch_packages([file], self.cache_dir, offline=self.offline)
        # uv goes by the name.
        named = scratch / source.file_name
        shutil.copyfile(path, named)
        return named, source.sha256 or hash_file(named, "sha256")

    def _checked(self, package: ResolvedPackage, folder: Path, python: str) -> Path:
        """Return the wheel that was built, if it fits the image."""
        wheels = sorted(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise BuildFailed(f"building {package.name} made {len(wheels)} wheels, and should make one")
        [wheel] = wheels
        if wheel.name.endswith("-none-any.whl"):
            return wheel
        problem = self._misfit(wheel.name)
        if problem is not None:
            raise UnsupportedInput(
                f"{package.name} has compiled code, and what this machine builds does not fit the image: {problem}. "
                "Take it from a conda channel, or build its wheel where it fits and name that"
            )
        return wheel

    def _misfit(self, file_name: str) -> str | None:
        if self.target.rank(file_name) is None:
            return f"{file_name} is not for {self.target}"
        library, version = platform.libc_ver()
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if library == "glibc" and numbers > self.target.glibc:
            return f"it needs glibc {version}, and the image has {self.target.glibc[0]}.{self.target.glibc[1]}"
        return None


def _python(target: Target) -> str:
    """Return the interpreter to build with: of the image's version if there is one, else this program's own."""
    minor = ".".join(target.python.split(".")[:2])
    if minor == ".".join(map(str, sys.version_info[:2])):
        return sys.executable
    found = find_program(f"python{minor}")
    return found if found and _runs(found) else sys.executable


def _runs(python: str) -> bool:
    """Return whether an interpreter can be started: version managers leave scripts that only say that there is none."""
    try:
        return run_program([python, *PYTHON_FLAGS, "-c", ""], timeout=_PROBE_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _checked_out(location: str, folder: Path) -> Path:
    """Check a commit out of a repository: `git+URL@COMMIT#subdirectory=PATH`."""
    system, _, rest = location.partition("+")
    rest, _, fragment = rest.partition("#")
    url, _, commit = rest.rpartition("@")
    if system != "git":
        raise UnsupportedInput(f"{public_url(rest)} is in a {system} repository; only git is supported")
    folder.mkdir(parents=True)
    for command in (
        ["init", "-q"],
        ["fetch", "-q", "--depth", "1", "--", url, commit],
        ["checkout", "-q", "FETCH_HEAD"],
    ):
        try:
            done = run_git(folder, *command, protocols=None)
        except NotFound as error:
            raise BuildFailed(f"cannot check out {public_url(url)}: {error}") from None
        if done.returncode:
            reason = public_text(done.stderr.decode("utf-8", "replace").strip())[:1000]
            kind = DownloadError if command[0] == "fetch" else BuildFailed
            raise kind(f"cannot check out {public_url(url)}: {reason}")
    below = fragment.removeprefix("subdirectory=") if fragment.startswith("subdirectory=") else ""
    tree = (folder / below).resolve()
    if not tree.is_relative_to(folder.resolve()):
        raise UnsupportedInput(f"{below[:200]!r} is outside of the repository {public_url(url)}")
    return tree


def _end_of(output: str) -> str:
    lines = [line for line in public_text(output).splitlines() if line.strip()]
    return "\n".join(lines[-_LAST_LINES:])
