"""Target: the Python and the platform that wheels are for, and which wheel fits them best (PEP 425, PEP 600)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from conda_docker.errors import UnsupportedInput

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage

DEFAULT_GLIBC = "2.28"
"""The glibc of images whose base does not say, as for the solver of conda packages."""

_ARCHITECTURES = {
    "linux-64": "x86_64",
    "linux-aarch64": "aarch64",
    "linux-riscv64": "riscv64",
}
# The versions of manylinux that uv knows for x86_64 and aarch64.
_MANYLINUX = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
_FREE_THREADED = re.compile(r"_cp\d+t\b|\bpython3\.\d+t/")
_PYPY = re.compile(r"\d_(\d{2,})_pypy$")  # conda-forge's builds of PyPy 7.3: 0_73_pypy
_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}  # PEP 600


@dataclass(frozen=True)
class Target:
    """What wheels must fit.

    `python` is a full version ("3.12.4"), `architecture` as wheels spell it ("x86_64"), `glibc` the version that the
    image has, as two numbers. `free_threaded`: the Python has no GIL, and compiled wheels of its own. `pypy` is the
    version of PyPy as wheels spell it ("73"), None for CPython.
    """

    python: str
    architecture: str
    glibc: tuple[int, int]
    free_threaded: bool = False
    pypy: str | None = None

    def __str__(self) -> str:
        kind = "free-threaded Python" if self.free_threaded else "Python" if self.pypy is None else "PyPy"
        return f"{kind} {self.python} on {self.architecture} with glibc {self.glibc[0]}.{self.glibc[1]}"

    @property
    def uv_platform(self) -> str:
        """What `uv pip compile --python-platform` calls the platform: the newest that the image's glibc can serve."""
        if self.architecture == "riscv64":
            return "riscv64-unknown-linux"
        minor = max((minor for minor in _MANYLINUX if (2, minor) <= self.glibc), default=_MANYLINUX[0])
        return f"{self.architecture}-manylinux_2_{minor}"

    @property
    def is_for_uv(self) -> bool:
        """Whether uv knows such a Python by its version; it takes any other for a CPython with a GIL."""
        return not self.free_threaded and self.pypy is None

    @cached_property
    def _ranks(self) -> dict[Tag, int]:
        major, minor = (int(part) for part in self.python.split(".")[:2])
        platforms = list(self._platforms())
        if self.pypy is not None:
            interpreter = f"pp{major}{minor}"
            own = generic_tags(interpreter, [f"pypy{major}{minor}_pp{self.pypy}"], platforms)
        else:
            interpreter = f"cp{major}{minor}"
            own = cpython_tags((major, minor), [f"{interpreter}{'t' if self.free_threaded else ''}"], platforms)
        tags = [*own, *compatible_tags((major, minor), interpreter, platforms)]
        return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}

    def _platforms(self) -> Iterator[str]:
        major, newest = self.glibc
        for minor in range(newest, 4, -1):
            yield f"manylinux_{major}_{minor}_{self.architecture}"
            if (major, minor) in _LEGACY:
                yield f"{_LEGACY[major, minor]}_{self.architecture}"
        yield f"linux_{self.architecture}"

    def rank(self, file_name: str) -> int | None:
        """Return how well the wheel called `file_name` fits, 0 best; None when it does not."""
        try:
            tags = parse_wheel_filename(file_name)[3]
        except InvalidWheelFilename:
            return None
        return min((self._ranks[tag] for tag in tags if tag in self._ranks), default=None)

    def applies(self, marker: str | None) -> bool:
        """Return whether an environment marker (PEP 508) is true for what the wheels must fit.

        >>> Target("3.12.4", "x86_64", (2, 36)).applies("sys_platform == 'win32'")
        False
        """
        if marker is None:
            return True
        environment = {
            "implementation_name": "cpython" if self.pypy is None else "pypy",
            "implementation_version": self.python,
            "os_name": "posix",
            "platform_machine": self.architecture,
            "platform_python_implementation": "CPython" if self.pypy is None else "PyPy",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.python,
            "python_version": ".".join(self.python.split(".")[:2]),
            "sys_platform": "linux",
        }
        return Marker(marker).evaluate(environment)

    def best(self, file_names: Sequence[str]) -> str | None:
        """Return the wheel of those called `file_names` that fits best, None when none does.

        >>> target = Target("3.12.4", "x86_64", (2, 36))
        >>> target.best(["a-1-py3-none-any.whl", "a-1-cp312-cp312-manylinux_2_28_x86_64.whl"])
        'a-1-cp312-cp312-manylinux_2_28_x86_64.whl'
        """
        ranked = [(rank, name) for name in file_names if (rank := self.rank(name)) is not None]
        return min(ranked, default=(0, None))[1]


def target_of(python: LockedPackage, subdir: str, glibc: str | None) -> Target:
    """Return what wheels must fit for an environment with this `python` package.

    `glibc` is the version in the base image, None when it does not say. conda's Python runs with glibc alone, so there
    are no wheels for musl in such an environment. Raises `UnsupportedInput` for a Python or a platform that uv cannot
    choose wheels for.
    """
    pypy = _PYPY.search(python.build)
    if pypy is None and re.search("pypy|graalpy", python.build):
        raise UnsupportedInput(
            f"pip packages cannot be chosen for {python.stem}, whose version of PyPy is not known; take them from a "
            "conda channel, or take CPython"
        )
    architecture = _ARCHITECTURES.get(subdir)
    if architecture is None:
        raise UnsupportedInput(
            f"pip packages cannot be chosen for {subdir}, only for {', '.join(_ARCHITECTURES)}; take them from a conda "
            "channel"
        )
    parts = re.match(r"(\d+)\.(\d+)", glibc or DEFAULT_GLIBC)
    if parts is None:
        raise UnsupportedInput(f"not a version of glibc: {(glibc or '')[:80]!r}")
    free_threaded = _FREE_THREADED.search(f"{python.build} {python.python_site_packages_path}") is not None
    glibc_version = (int(parts[1]), int(parts[2]))
    return Target(python.version, architecture, glibc_version, free_threaded, pypy[1] if pypy else None)
