"""Hosts that are not Linux, as far as they can be had here: the same image, byte for byte.

What Windows lacks is taken away from the interpreter (`bare_host`); NTFS, without capitals, modes and colons in names,
is the real one, by its driver for FUSE.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from python_docker.transports import open_image
from tests import peers
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.packages import Symlink
from tests.peers import availability

BARE_HOST = Path(__file__).with_name("bare_host.py")
LONG = "/build/" + "placehold_" * 24

IMPORT_ALL = """
import importlib, pkgutil, sys
import conda_docker, docker_envs, python_docker
assert sys.platform == "win32"
names = [
    module.name
    for package in (conda_docker, python_docker, docker_envs)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    # The plugin of conda is imported by conda alone.
    if not module.name.endswith(("__main__", "conda_docker.plugin"))
]
for name in names:
    importlib.import_module(name)
assert len(names) > 400, names
"""


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel with what depends on the file system: names, modes, links, prefixes."""
    synthetic_channel.add(
        SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": File(b"", mode=0o755)}),
        SyntheticPackage(
            name="names",
            files={
                "share/Readme": "capital",
                "share/readme": "small",
                "share/a:b": "colon",
                "share/k\u00e9": "accent",
                "share/con": "device",
                "share/trailing.": "dot",
                "lib/link.so": Symlink("link.so.1"),
                "lib/link.so.1": File(b"\0" + f"{LONG}/lib".encode() + b"\0", placeholder=LONG, file_mode="binary"),
                "bin/run": File(f"#!{LONG}/bin/sh\n".encode(), mode=0o755, placeholder=LONG),
            },
        ),
        SyntheticPackage(
            name="pure",
            noarch="python",
            depends=["python"],
            files={"site-packages/pure/__init__.py": "x = 1\n"},
            entry_points=["pure = pure:main"],
        ),
    )
    return synthetic_channel


@pytest.fixture
def added(tmp_path: Path) -> Path:
    folder = tmp_path / "added" / "src"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text("print('caf\u00e9')\n", encoding="utf-8")
    (folder / "main.py").chmod(0o644)
    os.utime(folder / "main.py", (1_700_000_000, 1_700_000_000))
    os.utime(folder, (1_700_000_000, 1_700_000_000))
    return folder


@pytest.fixture
def ntfs(tmp_path: Path) -> Iterator[Path]:
    """Return an empty NTFS volume as Windows uses it: names differ by more than capitals, and hold no colons."""
    driver, maker = availability.require("lowntfs-3g"), availability.find_program("mkntfs")
    assert maker is not None
    volume, folder = tmp_path / "ntfs.img", tmp_path / "ntfs"
    with volume.open("wb") as file:
        file.truncate(64 << 20)
    peers.Program(maker)("--quiet", "--fast", "--force", volume)
    folder.mkdir()
    peers.Program(driver)("-o", "ignore_case,windows_names", volume, folder)
    yield folder
    subprocess.run(["umount", folder], check=True, timeout=30)


@pytest.fixture
def build(tmp_path: Path, channel: SyntheticChannel, added: Path, environment: dict[str, str]) -> Callable[..., str]:
    """Return a function that builds the same image each time, and returns its digest."""

    def run(
        *start: str,
        folder: Path = tmp_path,
        env: dict[str, str] | None = None,
        output: str = "docker-archive:{}.tar",
        added: Path = added,
    ) -> str:
        command = [
            *(sys.executable, *start, "build", "names", "pure", "-b", "scratch", "-c", channel.url),
            *("--override-channels", "--platform", "linux/amd64", "--bytecode", "never", "--chmod", "755"),
            *("--add", f"{added}:/srv/app", "-i", "demo:1", "-o", output.format(folder / "image")),
        ]
        variables = {**environment, "CONDA_DOCKER_CACHE": str(folder / "cache-here"), "TMPDIR": str(folder)}
        ended = subprocess.run(
            command, cwd=tmp_path, env={**variables, **(env or {})}, capture_output=True, timeout=120, check=False
        )
        assert ended.returncode == 0, ended.stderr.decode(errors="replace")
        [digest] = re.findall(rb"^digest +(sha256:[0-9a-f]{64})$", ended.stdout, re.MULTILINE)
        check_image(output.format(folder / "image"))
        return str(digest.decode())

    return run


@pytest.fixture
def expected(build: Callable[..., str], tmp_path: Path) -> str:
    """Return the digest on this machine as it is."""
    folder = tmp_path / "plain"
    folder.mkdir()
    return build("-m", "conda_docker", folder=folder)


def check_image(place: str) -> None:
    """Read all that was written, and check its digests."""
    for layer in open_image(place).layers:
        for _, content in layer.entries():
            content.read()


def bare(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BARE_HOST, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_every_module_is_imported_without_what_only_unix_has(tmp_path: Path) -> None:
    script = tmp_path / "import_all.py"
    script.write_text(IMPORT_ALL)
    ended = bare(script)
    assert ended.returncode == 0, ended.stderr


def test_a_host_without_what_only_unix_has_builds_the_same_image(build: Callable[..., str], expected: str) -> None:
    assert build(str(BARE_HOST), "conda_docker") == expected


def test_such_a_host_writes_the_same_layout_twice(build: Callable[..., str], expected: str) -> None:
    first = build(str(BARE_HOST), "conda_docker", output="oci:{}")
    assert [first, build(str(BARE_HOST), "conda_docker", output="oci:{}")] == [expected, expected]


def test_a_locale_of_ascii_alone(build: Callable[..., str], expected: str) -> None:
    ascii_only = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert build("-m", "conda_docker", env=ascii_only) == expected


@pytest.mark.peer("lowntfs-3g")
@pytest.mark.parametrize("output", ["docker-archive:{}.tar", "oci:{}", "dir:{}"])
def test_cache_and_output_on_ntfs(build: Callable[..., str], expected: str, ntfs: Path, output: str) -> None:
    assert build("-m", "conda_docker", folder=ntfs, output=output) == expected
    assert build("-m", "conda_docker", folder=ntfs, output=output) == expected  # from the cache


@pytest.mark.peer("lowntfs-3g")
def test_files_to_add_from_ntfs(build: Callable[..., str], expected: str, ntfs: Path, added: Path) -> None:
    moved = ntfs / "src"
    moved.mkdir()
    (moved / "main.py").write_bytes((added / "main.py").read_bytes())
    for path in (moved / "main.py", moved):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert build("-m", "conda_docker", added=moved) == expected


def test_such_a_host_leaves_no_lock_behind(build: Callable[..., str], tmp_path: Path) -> None:
    for _ in range(2):  # the second time the layout is there, and its index is locked
        build(str(BARE_HOST), "conda_docker", output="oci:{}")
    assert sorted(path.name for path in (tmp_path / "image").iterdir()) == ["blobs", "index.json", "oci-layout"]
