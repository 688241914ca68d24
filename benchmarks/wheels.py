"""Wheels of any number and size, made by a seed, and an environment with all of them."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import random
import shutil
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import generated
from benchmarks.generator import FORMAT, Size, corpus, cut, module_file, text_file
from benchmarks.work import Session

_TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
_TAGS = {True: "py3-none-any", False: f"{_TAG}-{_TAG}-manylinux_2_17_{platform.machine()}"}
_DATE = (2024, 1, 1, 0, 0, 0)
# What zip makes of the files here, in which machine code prevails.
_RATIO = 3.0


@dataclass(frozen=True, slots=True)
class Wheels:
    """How many wheels, and about how many bytes they have together."""

    number: int
    size: int

    @property
    def name(self) -> str:
        return f"wheels-{platform.python_version()}-{self.number}-{self.size}-{_RATIO}-{FORMAT}"


FULL, QUICK = Wheels(40, 300_000_000), Wheels(6, 6_000_000)


@dataclass(frozen=True, slots=True)
class WheelEnvironment:
    """An environment.yml with wheels from a folder, and the Python of a channel, which is small and never runs."""

    file: Path
    wheels: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes of all wheels."""
        return sum(wheel.stat().st_size for wheel in self.wheels)


def make_environment(session: Session) -> WheelEnvironment:
    """Return the environment; its wheels are kept for the next run."""
    wheels = make_wheels(QUICK if session.quick else FULL, session.kept)
    channel = generated("python", "", Size(1, 150), session.kept, changed=False)
    file = session.place("wheels.yml")
    requirements = "".join(f"    - {wheel.name.split('-')[0]}\n" for wheel in wheels)
    file.write_text(
        f"channels: [{channel.url}, nodefaults]\ndependencies:\n  - python\n  - pip:\n"
        f"    - --no-index\n    - --find-links {wheels[0].parent}\n{requirements}"
    )
    return WheelEnvironment(file, wheels)


def make_wheels(wanted: Wheels, kept: Path) -> tuple[Path, ...]:
    """Return wheels in a folder of their own in `kept`, half of them pure, made unless they are there."""
    folder = kept / wanted.name
    if not folder.is_dir():
        partial = folder.with_name(f".{folder.name}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        chance = random.Random(wanted.name)
        weights = [chance.lognormvariate(0, 1.2) * (1 if number % 2 else 0.15) for number in range(wanted.number)]
        sizes = [int(weight / sum(weights) * wanted.size * _RATIO) for weight in weights]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_write_wheel, range(wanted.number), sizes, [partial] * wanted.number))
        partial.replace(folder)
    return tuple(sorted(folder.glob("*.whl")))


def _write_wheel(number: int, size: int, folder: Path) -> None:
    """Write a wheel whose files have about `size` bytes."""
    name, pure, chance = f"wheel_{number:02}", number % 2 == 0, random.Random(number)
    info, records = f"{name}-1.0.dist-info", []
    with zipfile.ZipFile(folder / f"{name}-1.0-{_TAGS[pure]}.whl", "w", zipfile.ZIP_DEFLATED) as archive:

        def add(path: str, content: bytes, mode: int = 0o644) -> None:
            member = zipfile.ZipInfo(path, _DATE)
            member.external_attr = (0o100000 | mode) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            records.append(f"{path},sha256={digest},{len(content)}\n")

        add(f"{name}/__init__.py", b"def main():\n    print(1)\n")
        left, parts = size, 0
        while left > 0:
            for path, content, mode in _part(name, parts, left, pure=pure, chance=chance):
                add(path, content, mode)
                left -= len(content)
            parts += 1
        add(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n".encode())
        add(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\nTag: {_TAGS[pure]}\n".encode())
        add(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n".encode())
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD", _DATE), "".join(records) + f"{info}/RECORD,,\n")


def _part(name: str, part: int, left: int, *, pure: bool, chance: random.Random) -> Iterator[tuple[str, bytes, int]]:
    """A few files of a wheel that has still room for `left` bytes: path, content, mode."""
    folder = f"{name}/part_{part}"
    for number in range(8):
        yield f"{folder}/module_{number}.py", module_file(chance).content, 0o644
    for number in range(2):
        yield f"{folder}/table_{number}.json", text_file(chance, 1).content, 0o644
    if not pure:
        # Compiled wheels have most of their bytes in few files.
        yield f"{folder}/extension.so", cut(corpus().code, min(max(left // 2, 100_000), 64 << 20), chance), 0o755
