"""Conda packages of any number and size, made by a seed: what the benchmarks build where real ones do not suffice.

What is in the files is real: modules of this machine's standard library, and slices of its texts and shared objects, so
that compressors and byte-compilers have their everyday work. How many files a package has, how large they are and of
which kind follows what environments of conda-forge look like: many small files, few large ones.
"""

from __future__ import annotations

import os
import platform
import random
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from demo.conda_package import PLACEHOLDER
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.packages import Entry, File, HardLink, Symlink, SyntheticPackage

FORMAT = 1
"""To be raised when other packages are made of the same numbers."""

_TIMESTAMP = 1_700_000_000
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_CORPUS = 96 << 20  # bytes of shared objects to cut files from
_LARGEST_MODULE = 60_000  # bytes
_TEXT, _LIBRARY = (3_000, 1.4), (90_000, 1.5)  # median in bytes and sigma of lognormal distributions
_KINDS = ("python", "generic", "compiled")
_SHARE_OF_KINDS = (0.45, 0.07, 0.48)


@dataclass(frozen=True, slots=True)
class Size:
    """How much to make: numbers of packages and files.

    `scale` multiplies the sizes of files but modules; `largest`, if any, is the size in bytes of the largest file of
    one more package, which is half as large again.
    """

    packages: int
    files: int
    scale: int = 1
    largest: int = 0

    @property
    def name(self) -> str:
        return f"{self.packages}-{self.files}-{self.scale}-{self.largest >> 20}-{FORMAT}"


@dataclass(frozen=True, slots=True)
class Corpus:
    """What files are cut from: whole modules, texts, and machine code."""

    modules: tuple[bytes, ...]
    text: bytes
    code: bytes


@cache
def corpus() -> Corpus:
    """Files of this machine's Python and of the packages that are installed in it."""
    library = Path(sysconfig.get_path("stdlib"))
    paths = sorted(
        path for path in library.rglob("*.py") if not {"test", "tests", "lib2to3", "site-packages"} & {*path.parts}
    )
    texts = [path.read_bytes() for path in paths]
    modules = tuple(text for text in texts if 0 < len(text) <= _LARGEST_MODULE and _compiles(text))
    folders = {library, Path(sysconfig.get_path("platlib")), Path(sysconfig.get_config_var("LIBDIR") or library)}
    objects = sorted({path.resolve() for folder in folders for path in folder.rglob("*.so*") if path.is_file()})
    code = bytearray()
    for path in objects:
        code += path.read_bytes()[: _CORPUS - len(code)]
    return Corpus(modules, b"".join(texts), bytes(code))


def _compiles(source: bytes) -> bool:
    try:
        compile(source, "module", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def make_channel(size: Size, folder: Path) -> SyntheticChannel:
    """A channel with packages of that size, kept in `folder`. The package `everything` depends on all others."""
    channel = SyntheticChannel.__new__(SyntheticChannel)
    channel.folder = folder
    if folder.is_dir():
        return channel
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    channel = SyntheticChannel(partial)
    plans = _plans(size)
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(plans))) as pool:
        list(pool.map(_write, plans, [partial] * len(plans)))
    names = [plan.name for plan in plans]
    everything = SyntheticPackage(name="everything", depends=names, noarch="generic", timestamp=_TIMESTAMP * 1000)
    channel.add(everything, all_forms=True)
    partial.replace(folder)
    channel.folder = folder
    return channel


@dataclass(frozen=True, slots=True)
class _Plan:
    name: str
    kind: str
    files: int
    scale: int
    largest: int
    depends: tuple[str, ...]


def _plans(size: Size) -> list[_Plan]:
    """What each package is to be; the first is `python`, which is small here and never runs."""
    chance = random.Random(size.name)
    kinds = chance.choices(_KINDS, _SHARE_OF_KINDS, k=size.packages - 1)
    # Packages of pure Python have fewer files than those with headers and compiled modules beside the sources.
    weights = [chance.lognormvariate(0, 1.3) * (0.2 if kind == "python" else 1) for kind in kinds]
    plans = [_Plan("python", "compiled", max(3, size.files // 50), 1, 0, ())]
    left = size.files - plans[0].files
    for number, (kind, weight) in enumerate(zip(kinds, weights, strict=True)):
        files = max(3, round(left * weight / sum(weights)))
        earlier = [plan.name for plan in plans[1:]]
        depends = chance.sample(earlier, min(len(earlier), chance.choice((0, 1, 1, 2, 4))))
        plans.append(_Plan(f"{kind}-{number:03}", kind, files, size.scale, 0, ("python", *depends)))
    if size.largest:
        plans.append(_Plan("huge", "compiled", 2_000, 1, size.largest, ("python",)))
    return plans


def _write(plan: _Plan, folder: Path) -> None:
    chance = random.Random(plan.name)
    files = _FILES[plan.kind](plan, chance)
    if plan.largest:
        files["lib/libhuge.so"] = File(cut(corpus().code, plan.largest, chance), mode=0o755, mtime=_TIMESTAMP)
        for number in range(10):  # half as much again, in files of everyday's largest
            files[f"lib/libpart{number}.so"] = File(
                cut(corpus().code, plan.largest // 20, chance), mode=0o755, mtime=_TIMESTAMP
            )
    python = plan.kind == "python"
    SyntheticPackage(
        name=plan.name,
        version=platform.python_version() if plan.name == "python" else "1.0",
        depends=plan.depends,
        noarch={"python": "python", "generic": "generic"}.get(plan.kind),
        timestamp=_TIMESTAMP * 1000,
        files=dict(sorted(files.items())),
        entry_points=[f"{plan.name} = {plan.name.replace('-', '_')}.module_0:main"] if python else (),
    ).write(folder / ("noarch" if plan.kind in ("python", "generic") else _subdir()))


def _subdir() -> str:
    from demo.interpreter import subdir

    return subdir()


def cut(source: bytes, size: int, chance: random.Random) -> bytes:
    """Return `size` bytes from a random place of `source`, repeated where it is shorter, as nothing else has them."""
    start = chance.randrange(len(source))
    piece = source[start : start + size]
    while len(piece) < size:
        piece += source[: size - len(piece)]
    # A few bytes that are nowhere else: no two files are the same.
    return piece[: max(size - 8, 0)] + chance.randbytes(min(size, 8)).hex().encode()[: min(size, 8)]


def _length(shape: tuple[int, float], chance: random.Random) -> int:
    median, sigma = shape
    return max(1, min(int(median * chance.lognormvariate(0, sigma)), 64 << 20))


def text_file(chance: random.Random, scale: int) -> File:
    """Return a text of usual length, times `scale`."""
    return File(cut(corpus().text, scale * _length(_TEXT, chance), chance), mtime=_TIMESTAMP)


def module_file(chance: random.Random) -> File:
    """Return a module of the standard library."""
    # A line more at the end changes nothing for the compiler, and no two modules are the same.
    return File(
        chance.choice(corpus().modules) + b"\n# %d\n" % chance.getrandbits(60), mtime=_TIMESTAMP + chance.randrange(999)
    )


def _pure(plan: _Plan, chance: random.Random) -> dict[str, Entry]:
    """A `noarch: python` package: modules, and data beside them."""
    root = f"site-packages/{plan.name.replace('-', '_')}"
    files: dict[str, Entry] = {}
    for number in range(plan.files):
        folder = root if number < 4 else f"{root}/part_{number % (1 + plan.files // 20)}"
        if number < 2 or chance.random() < 0.75:
            files[f"{folder}/module_{number}.py"] = module_file(chance)
        else:
            files[f"{folder}/data/table_{number}.json"] = text_file(chance, plan.scale)
    return files


def _generic(plan: _Plan, chance: random.Random) -> dict[str, Entry]:
    """A `noarch: generic` package: data of any kind."""
    return {
        f"share/{plan.name}/{number % 40}/item_{number}.dat": text_file(chance, plan.scale)
        for number in range(max(plan.files, 1))
    }


def _compiled(plan: _Plan, chance: random.Random) -> dict[str, Entry]:
    """A package for one processor: shared objects, headers, scripts, modules with their `.pyc` files."""
    files: dict[str, Entry] = {}
    prefix = PLACEHOLDER.encode()
    package = plan.name.replace("-", "_")
    modules = f"lib/python{_VERSION}/site-packages/{package}"
    while len(files) < plan.files:
        number = len(files)
        dice = chance.random()
        if number == 0 or dice < 0.04:
            content = cut(corpus().code, plan.scale * _length(_LIBRARY, chance), chance)
            placed = chance.random() < 0.3
            if placed and len(content) > 4096:
                middle = len(content) // 2
                content = content[:middle] + prefix + b"/lib\0" + content[middle + len(prefix) + 5 :]
            files[f"lib/lib{package}_{number}.so.1"] = File(
                content,
                mode=0o755,
                mtime=_TIMESTAMP,
                placeholder=PLACEHOLDER if placed else None,
                file_mode="binary" if placed else None,
            )
            files[f"lib/lib{package}_{number}.so"] = Symlink(f"lib{package}_{number}.so.1", mtime=_TIMESTAMP)
        elif dice < 0.06:
            script = b"#!%b/bin/python\nimport sys\nsys.exit(0)\n" % prefix
            path = f"bin/{plan.name}-{number}"
            files[path] = File(script, mode=0o755, mtime=_TIMESTAMP, placeholder=PLACEHOLDER)
        elif dice < 0.07:
            path = f"lib/pkgconfig/{package}_{number}.pc"
            content = b"prefix=%b\nlibdir=%b/lib\n" % (prefix, prefix) + text_file(chance, plan.scale).content
            files[path] = File(content, mtime=_TIMESTAMP, placeholder=PLACEHOLDER)
        elif dice < 0.075:
            path = f"share/{plan.name}/original_{number}"
            files[path] = text_file(chance, plan.scale)
            files[f"share/{plan.name}/second_{number}"] = HardLink(path)
        elif dice < 0.35:
            module = module_file(chance)
            files[f"{modules}/part_{number % 9}/module_{number}.py"] = module
            compiled = cut(corpus().code, len(module.content), chance)
            files[
                f"{modules}/part_{number % 9}/__pycache__/module_{number}.cpython-{_VERSION.replace('.', '')}.pyc"
            ] = File(compiled, mtime=module.mtime)
        else:
            files[f"include/{plan.name}/{number % 12}/header_{number}.h"] = text_file(chance, plan.scale)
    return files


_FILES = MappingProxyType({"python": _pure, "generic": _generic, "compiled": _compiled})


def archives(folder: Path) -> Sequence[Path]:
    """Every package of a channel, sorted."""
    return sorted(folder.glob("*/*.conda"))
