"""Builds as processes: hundreds in a row, killed at any moment, several at once. The result is right, every time."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from python_docker.transports import open_image
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.processes import ended_with_us

AT_ONCE = max(2, os.cpu_count() or 1)
BUILDS = 300
KILLS = 100
LONG = "/build/" + "placehold_" * 24

SCRIPT = """
import logging
import sys
from pathlib import Path
from conda_docker import BuildOptions, create_image
from python_docker import write_image

logging.disable(logging.WARNING)  # notes about the image, such as that it has no C library
channel, cache, output = sys.argv[1:]
image = create_image(
    ["top"], channels=[channel], override_channels=True, base="scratch", image="demo:1", platform="linux/amd64",
    options=BuildOptions(cache_dir=Path(cache)),
)
write_image(image, output)
print(image.digest)
"""


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> SyntheticChannel:
    made = SyntheticChannel(tmp_path_factory.mktemp("channel"))
    content = random.Random(1).randbytes(300_000)
    packages = [
        SyntheticPackage(
            name=f"p{number}",
            files={
                **{f"share/p{number}/{part}": content[part * 1000 :] for part in range(5)},
                f"bin/p{number}": File(f"#!{LONG}/bin/sh\n".encode(), mode=0o755, placeholder=LONG),
            },
        )
        for number in range(8)
    ]
    made.add(*packages, SyntheticPackage(name="top", depends=[package.name for package in packages]))
    return made


def command(channel: SyntheticChannel, cache: Path, output: str) -> list[str]:
    return [
        *(
            sys.executable,
            "-m",
            "conda_docker",
            "-q",
            "build",
            "-b",
            "scratch",
            "-c",
            channel.url,
            "--override-channels",
        ),
        *("--platform", "linux/amd64", "--cache-dir", str(cache), "-i", "demo:1", "-o", output, "top"),
    ]


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def digest(channel: SyntheticChannel, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("first")
    done = run(command(channel, folder / "cache", f"oci:{folder / 'layout'}"))
    assert done.returncode == 0, done.stderr
    return str(open_image(f"oci:{folder / 'layout'}").digest)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", ["command line", "library script"])
def test_hundreds_of_short_builds_all_end_well(
    channel: SyntheticChannel, digest: str, tmp_path: Path, way: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def build(number: int) -> tuple[int, str]:
        output = f"oci:{tmp_path / str(number)}"
        if way == "command line":
            done = run(command(channel, tmp_path / "cache", output))
        else:
            done = run([sys.executable, str(script), channel.url, str(tmp_path / "cache"), output])
        return done.returncode, done.stderr

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(build, range(BUILDS // 2)))
    assert [result for result in results if result != (0, "")] == []
    assert {str(open_image(f"oci:{tmp_path / str(number)}").digest) for number in range(BUILDS // 2)} == {digest}


@pytest.mark.timeout(900)
def test_a_build_killed_at_any_moment_harms_no_later_build(
    channel: SyntheticChannel, digest: str, tmp_path: Path
) -> None:
    started = time.monotonic()
    run(command(channel, tmp_path / "timed", f"oci:{tmp_path / 'timed-layout'}"))
    whole = time.monotonic() - started
    moments = random.Random(7)

    def kill(number: int) -> list[str]:
        """Kill builds one after another on one cache and one output, each followed by a build that must be right."""
        folder = tmp_path / str(number)
        wrong = []
        for attempt in range(KILLS // AT_ONCE + 1):
            if attempt % 4 == 0:
                shutil.rmtree(folder, ignore_errors=True)
            arguments = command(channel, folder / "cache", f"oci:{folder / 'layout'}")
            with ended_with_us(subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)):
                time.sleep(moments.uniform(0, whole * 1.2))
            if attempt % 2:
                shutil.rmtree(folder / "layout", ignore_errors=True)
            done = run(arguments)
            found = str(open_image(f"oci:{folder / 'layout'}").digest) if done.returncode == 0 else done.stderr
            if found != digest:
                wrong.append(found)
        return wrong

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert [wrong for found in pool.map(kill, range(AT_ONCE)) for wrong in found] == []


def test_builds_at_once_on_one_cache_and_one_output(channel: SyntheticChannel, digest: str, tmp_path: Path) -> None:
    arguments = command(channel, tmp_path / "cache", str(tmp_path / "demo.tar"))
    with ExitStack() as running:
        builds = [
            running.enter_context(ended_with_us(subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)))
            for _ in range(6)
        ]
        assert [(build.communicate()[1], build.returncode) for build in builds] == [("", 0)] * 6
    assert str(open_image(str(tmp_path / "demo.tar")).digest) == digest
    assert {path.name for path in tmp_path.iterdir()} == {"cache", "demo.tar"}


Damage = Callable[[Path], None]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [Path.unlink, flip, lambda path: path.write_bytes(b"")], ids=["gone", "bit", "empty"]
)
def test_a_damaged_cache_never_makes_a_wrong_image(
    channel: SyntheticChannel, digest: str, tmp_path: Path, damage: Damage
) -> None:
    arguments = command(channel, tmp_path / "cache", f"oci:{tmp_path / 'layout'}")
    assert run(arguments).returncode == 0
    shutil.rmtree(tmp_path / "layout")
    for path in [*tmp_path.glob("cache/blobs/*/*"), *tmp_path.glob("cache/layers/*/*")][::2]:
        damage(path)
    assert run(arguments).returncode == 0
    image = open_image(f"oci:{tmp_path / 'layout'}")
    assert str(image.digest) == digest
    assert image.list_files()


def test_the_report_is_json(channel: SyntheticChannel, digest: str, tmp_path: Path) -> None:
    done = run([*command(channel, tmp_path / "cache", f"oci:{tmp_path / 'layout'}"), "--json"])
    assert digest in json.dumps(json.loads(done.stdout))
