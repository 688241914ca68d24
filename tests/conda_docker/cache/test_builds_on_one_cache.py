"""Whole programs on one cache: several at once, killed in the middle, on a full disk, and where it can only be read."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from conda_docker.cache.folder import CacheFolder
from conda_docker.cache.upkeep import clear_cache, prune_cache
from python_docker.files.leftovers import is_partial
from python_docker.transports import open_image
from python_docker.validation import validate
from tests.archives import only_linux
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.processes import LONG, ended_with_us

Command = Callable[..., list[str]]
Start = Callable[[Sequence[str]], subprocess.Popen[str]]


@pytest.fixture
def command(synthetic_channel: SyntheticChannel, tmp_path: Path) -> Command:
    """Return a function that gives the command line of a build of three packages into an output."""
    for name in ("one", "two", "three"):
        files = {f"share/{name}/{number}": os.urandom(1 << 20) for number in range(4)}
        synthetic_channel.add(SyntheticPackage(name=name, files=files))

    def command(output: str, *options: str) -> list[str]:
        program = [sys.executable, "-m", "conda_docker", "build", "-q", "-b", "scratch", "-o", output]
        return [*program, "-c", synthetic_channel.url, "--override-channels", *options, "one", "two", "three"]

    return command


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Return a function that starts a command, which ends with the test."""
    with ExitStack() as running:

        def begin(command: Sequence[str]) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            return running.enter_context(ended_with_us(process))

        yield begin


def end(process: subprocess.Popen[str]) -> str:
    """Return what a process that ends well printed."""
    output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, errors) == (0, "")
    return output


def partials(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if is_partial(path.name)]


def check_cache(cache: Path) -> None:
    """Check that each blob is what its name says, and that nothing is unfinished."""
    blobs = list(cache.glob("blobs/sha256/*"))
    assert blobs
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in blobs)
    assert partials(cache) == []


def test_builds_at_once_give_the_same_image(command: Command, start: Start, tmp_path: Path) -> None:
    builds = [start(command(f"oci:out{number}")) for number in range(3)]
    [digest] = {end(build) for build in builds}
    for number in range(3):
        image = open_image(f"oci:{tmp_path}/out{number}")
        assert f"{image.digest}\n" == digest
        assert validate(image).ok
    check_cache(tmp_path / "cache")


@pytest.mark.parametrize("remove", [clear_cache, partial(prune_cache, max_bytes=0)], ids=["clear", "prune"])
def test_a_build_loses_nothing_that_it_needs_while_the_cache_is_emptied(
    command: Command, start: Start, tmp_path: Path, remove: Callable[[CacheFolder], object]
) -> None:
    for number in range(2):  # everything made now; everything from the cache
        build = start(command(f"oci:out{number}"))
        while build.poll() is None:
            remove(CacheFolder(tmp_path / "cache"))
            time.sleep(0.01)
        assert build.returncode == 0, build.communicate()
        build.communicate()
        assert validate(open_image(f"oci:{tmp_path}/out{number}")).ok
        end(start(command("oci:filled")))


def test_a_cache_that_is_deleted_under_a_build_is_made_again_or_named(
    command: Command, start: Start, tmp_path: Path
) -> None:
    build = start(command("oci:out", "--compression-level", "12"))
    while build.poll() is None:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        time.sleep(0.05)
    _, errors = build.communicate()
    if build.returncode == 0:
        assert validate(open_image(f"oci:{tmp_path}/out")).ok
    else:
        assert errors.startswith(f"error: the cache {tmp_path / 'cache'} was deleted while it was in use; build again")
    end(start(command("oci:out")))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
@pytest.mark.parametrize("where", ["cache/blobs/.partial-*", ".out.tar.partial-*"])
def test_after_a_kill_the_next_build_is_right_and_leaves_nothing(
    command: Command, start: Start, tmp_path: Path, where: str
) -> None:
    for _ in range(10):  # on a busy machine it may be over before it is killed
        build = start(command("out.tar", "--compression-level", "12"))
        while build.poll() is None and not any(tmp_path.glob(where)):
            time.sleep(0.002)
        build.kill()
        build.communicate()
        if partials(tmp_path):
            break
        (tmp_path / "out.tar").unlink(missing_ok=True)
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    assert partials(tmp_path), "it was never killed in the middle"
    assert not (tmp_path / "out.tar").exists()
    end(start(command("out.tar", "--compression-level", "12")))
    assert validate(open_image(f"{tmp_path}/out.tar")).ok
    assert partials(tmp_path) == []
    check_cache(tmp_path / "cache")


def run_in_mounts(script: str, command: list[str], tmp_path: Path, environment: dict[str, str]) -> list[str]:
    """Run a shell script with file systems of its own, and give the lines that it and the builds in it print."""
    unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", *command]
    environment = environment | {"CACHE": str(tmp_path / "cache")}
    result = subprocess.run(
        unshare,
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    refused = [line for line in result.stdout.splitlines() if line.startswith(("unshare:", "mount:"))]
    if refused:
        pytest.skip(f"no file systems can be mounted here: {refused[0]}")
    return result.stdout.splitlines()


@only_linux
def test_a_full_disk_is_one_error_and_the_next_build_is_right(
    command: Command, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "cache").mkdir()
    script = """
mount -t tmpfs -o size=6m tmpfs "$CACHE" || exit
"$@"; echo "exit $?"
find "$CACHE" -name '.*partial*'
mount -o remount,size=100m tmpfs "$CACHE" || exit
"$@"; echo "exit $?"
find "$CACHE" -name '.*partial*'
"""
    error, first, digest, second, *left = run_in_mounts(script, command("oci:out"), tmp_path, environment)
    assert error.startswith(f"error: the cache {tmp_path / 'cache'} cannot be written: No space left on device")
    assert (first, second, left) == ("exit 1", "exit 0", [])
    image = open_image(f"oci:{tmp_path}/out")
    assert image.digest == digest
    assert validate(image).ok


@only_linux
def test_a_cache_that_can_only_be_read_serves_what_it_has(
    command: Command, start: Start, synthetic_channel: SyntheticChannel, tmp_path: Path, environment: dict[str, str]
) -> None:
    digest = end(start(command("oci:first"))).strip()
    synthetic_channel.add(SyntheticPackage(name="four", files={"share/four": b"4"}))
    script = """
mount --bind "$CACHE" "$CACHE" && mount -o remount,bind,ro "$CACHE" || exit
"$@"; echo "exit $?"
"$@" four; echo "exit $?"
"""
    found, first, error, second = run_in_mounts(script, command("oci:out"), tmp_path, environment)
    assert (found, first, second) == (digest, "exit 0", "exit 1")
    assert error.startswith(f"error: the cache {tmp_path / 'cache'} cannot be written: Read-only file system")
    assert validate(open_image(f"oci:{tmp_path}/out")).ok
