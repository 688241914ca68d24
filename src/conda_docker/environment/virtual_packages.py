"""Virtual packages: what the solver may take for granted of the system that the image will run on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from conda_docker.arguments.spelling import nearest
from conda_docker.errors import InvalidEnvironment
from python_docker.errors import InvalidVariable

DEFAULT_GLIBC = "2.28"
"""The glibc that is taken for granted when the base image does not say: that of RHEL 8 and of conda-forge's builds."""

DEFAULT_LINUX = "4.18"
"""The kernel that is taken for granted, whatever this machine runs: the image will run elsewhere. RHEL 8 has it."""

# Architectures as archspec calls them, at their lowest level.
_ARCHSPEC = {
    "linux-64": "x86_64",
    "linux-32": "x86",
    "linux-aarch64": "aarch64",
    "linux-ppc64le": "ppc64le",
    "linux-ppc64": "ppc64",
    "linux-s390x": "s390x",
    "linux-riscv64": "riscv64",
    "linux-armv7l": "armv7l",
    "linux-armv6l": "armv6l",
    "linux-loongarch64": "loongarch64",
}
_OVERRIDES = ("linux", "glibc", "cuda", "cuda_arch", "archspec")
_KNOWN = ("unix", *_OVERRIDES)
_NUMBERED = ("__linux", "__glibc", "__cuda", "__cuda_arch")
_NAME = r"__[a-z0-9_]+"
_VERSION = r"[0-9A-Za-z.!+_]+"
_BUILD = r"[0-9A-Za-z_.+]+"


class Origin(StrEnum):
    """Who says that there is a virtual package."""

    DEFAULT = "default"
    """Nobody: it is taken for granted."""
    PLATFORM = "platform"
    """The platform that the image is for."""
    BASE = "base image"
    VARIABLE = "environment variable"
    FILE = "file"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class VirtualPackage:
    """A virtual package, such as `__glibc` 2.28; its text is `name=version=build`.

    `origin` says where it comes from, and does not count when two are compared.
    """

    name: str
    version: str
    build: str = "0"
    origin: Origin = field(default=Origin.DEFAULT, compare=False)

    def __str__(self) -> str:
        return f"{self.name}={self.version}={self.build}"


def virtual_packages(
    subdir: str,
    *,
    glibc: str | None = None,
    cuda: str | None = None,
    microarchitecture: str | None = None,
    base: Mapping[str, str] | None = None,
    declared: Sequence[str] = (),
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> tuple[VirtualPackage, ...]:
    """Return the virtual packages of Linux images for `subdir`, sorted by name.

    `glibc` and `cuda` are the base image's, where they are known, `microarchitecture` an archspec name such as
    `x86_64_v3`. Over these go the variables `CONDA_OVERRIDE_GLIBC` and the like, as conda and rattler read them, of the
    `base` image and then of this machine (`environ`), and over those what an input file has `declared` and then the
    user's `overrides`, as `NAME=VERSION[=BUILD]`, where an empty version takes the package away. There is no `__cuda`
    unless it is asked for: containers get a GPU from whoever runs them. Raises `InvalidEnvironment`, and
    `InvalidVariable` for what a variable says, but nothing for what a base image says.

    >>> [str(package) for package in virtual_packages("linux-64", overrides=["cuda=12.4", "__linux="], environ={})]
    ['__archspec=1=x86_64', '__cuda=12.4=0', '__glibc=2.28=0', '__unix=0=0']
    """
    environ = os.environ if environ is None else environ
    own = _archspec(microarchitecture or _ARCHSPEC.get(subdir, subdir.partition("-")[2]), Origin.PLATFORM)
    packages = {
        "__unix": VirtualPackage("__unix", "0", origin=Origin.PLATFORM),
        "__linux": VirtualPackage("__linux", DEFAULT_LINUX),
        "__glibc": VirtualPackage("__glibc", glibc or DEFAULT_GLIBC, origin=Origin.BASE if glibc else Origin.DEFAULT),
        own.name: own,
    }
    if cuda is not None:
        packages["__cuda"] = VirtualPackage("__cuda", cuda, origin=Origin.BASE)
    for text in _variables(base or {}):
        with suppress(InvalidEnvironment):  # what users of the image cannot change
            _override(packages, text, Origin.BASE)
    for text in _variables(environ):
        try:
            _override(packages, text, Origin.VARIABLE)
        except InvalidEnvironment as error:
            variable = f"CONDA_OVERRIDE_{text.partition('=')[0].removeprefix('__').upper()}"
            raise InvalidVariable(f"{variable}: {error}") from error
    for override in declared:
        _override(packages, override, Origin.FILE)
    for override in overrides:
        _override(packages, override, Origin.OPTION)
    archspec = packages.get(own.name)
    if archspec is not None and _is_of_another_processor(archspec.build, subdir):
        packages[own.name] = own  # an option is for all platforms of an image, x86_64_v3 for one of them
    return tuple(sorted(packages.values(), key=str))


def to_overrides(texts: Sequence[str]) -> tuple[str, ...]:
    """Return what a user gives as virtual packages. Raises `InvalidEnvironment` where one is not.

    >>> to_overrides(["cuda=12.4", "__linux="])
    ('cuda=12.4', '__linux=')
    """
    for text in texts:
        _override({}, text, Origin.OPTION)
    return tuple(texts)


def given_version(name: str, overrides: Sequence[str], environ: Mapping[str, str] | None = None) -> str | None:
    """Return the version of a virtual package that an option or a variable gives; None where nobody gives one.

    It is empty where the package is taken away.

    >>> given_version("glibc", ["cuda=12", "__glibc=2.36=0"], {}), given_version("glibc", [], {})
    ('2.36', None)
    """
    environ = os.environ if environ is None else environ
    given = environ.get(f"CONDA_OVERRIDE_{name.upper()}")
    for override in overrides:
        named, equals, rest = override.strip().partition("=")
        if equals and named.removeprefix("__") == name:
            given = rest.partition("=")[0]
    return given


def override_variables(packages: Sequence[VirtualPackage]) -> dict[str, str]:
    """Return the `CONDA_OVERRIDE_*` variables that make conda, mamba or micromamba assume `packages`.

    A package that is not among them is switched off by an empty value. Raises `InvalidEnvironment` for one that no
    variable can bring in.

    >>> override_variables(virtual_packages("linux-64", environ={}))["CONDA_OVERRIDE_CUDA"]
    ''
    """
    variables = {f"CONDA_OVERRIDE_{name.upper()}": "" for name in _OVERRIDES}
    for package in packages:
        variable = f"CONDA_OVERRIDE_{package.name.removeprefix('__').upper()}"
        if variable in variables:
            variables[variable] = package.build if package.name == "__archspec" else package.version
        elif package.name != "__unix":
            raise InvalidEnvironment(
                f"another solver cannot be given the virtual package {package.name}; solve without --solver"
            )
    return variables


def _variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what the variables `CONDA_OVERRIDE_*` say, as `NAME=VERSION[=BUILD]`."""
    for name in _OVERRIDES:
        value = environ.get(f"CONDA_OVERRIDE_{name.upper()}")
        if value is not None:
            # What archspec calls an architecture is the build string of __archspec (CEP 30).
            yield f"__{name}=1={value}" if name == "archspec" and value else f"__{name}={value}"


def _archspec(name: str, origin: Origin) -> VirtualPackage:
    return VirtualPackage("__archspec", "1", name, origin)


def _is_of_another_processor(name: str, subdir: str) -> bool:
    own = _ARCHSPEC.get(subdir, "")
    others = (other for other in _ARCHSPEC.values() if not own.startswith(other))
    return not (own and name.startswith(own)) and name.startswith(tuple(others))


def _override(packages: dict[str, VirtualPackage], text: str, origin: Origin) -> None:
    name, equals, rest = text.strip().partition("=")
    bare = name.removeprefix("__")
    # Any name may be one, of a team's own; what is nearly a known one is a slip.
    near = nearest(bare, _KNOWN, cutoff=0.6 if bare == name else 0.7)
    if equals and near and bare not in _KNOWN:
        raise InvalidEnvironment(f"not a virtual package: {name[:80]!r}; did you mean '__{near}'?")
    name = f"__{bare}"
    version, _, build = rest.partition("=")
    if not equals or not re.fullmatch(_NAME, name):
        raise InvalidEnvironment(
            f"not a virtual package: {text[:80]!r}; write NAME=VERSION, such as __cuda=12.4, or NAME= to remove one"
        )
    if not version:
        packages.pop(name, None)
        return
    if not re.fullmatch(_VERSION, version) or (build and not re.fullmatch(_BUILD, build)):
        raise InvalidEnvironment(f"not a version and build of a virtual package: {rest[:80]!r} (for {name})")
    if name in _NUMBERED and not version[0].isdigit():
        # conda takes any word, which is then less than every version that packages ask for.
        raise InvalidEnvironment(f"not a version of {name}: {version[:80]!r}; it is a number such as 12.4")
    if name == "__archspec" and not build and not version[0].isdigit():
        packages[name] = _archspec(version, origin)  # "archspec=x86_64_v3" is what people write
    else:
        packages[name] = VirtualPackage(name, version, build or "0", origin)
