"""The one pipeline: an environment and a base image become an image.

specs, files, prefixes -> LockedEnvironment -> plan -> layers, built or cached -> base + layers + config -> Image
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.build_options import BuildOptions
from conda_docker.environment.topological_order import match_spec_name
from conda_docker.image import provenance
from conda_docker.image.activation import ENTRYPOINT_NAME, Activation, activate, state_file
from conda_docker.layers.cache import LayerCache, default_cache_dir
from conda_docker.layers.clobbers import packages_that_meet
from conda_docker.layers.factory import LayerFactory, complete_environment
from conda_docker.layers.make import MadeLayer
from conda_docker.layers.member import has_modules_to_compile
from conda_docker.layers.plan import plan_layers
from conda_docker.link.bytecode.interpreter import Interpreter
from python_docker.errors import InvalidReference, PlatformNotFound, UnsupportedFormat
from python_docker.image import Image
from python_docker.layer import Layer, build_layer
from python_docker.progress import SILENT, Progress
from python_docker.spec.platform import Platform
from python_docker.spec.timestamps import rfc3339, source_date_epoch
from python_docker.tar import TarEntry

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.layers.clobbers import Losses
    from python_docker.spec.digest import Digest

DEFAULT_PREFIX = "/opt/conda"
_MAX_SECONDS = 253402300799  # the last second of the year 9999; larger timestamps are in milliseconds, as conda has it


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer of a build: names of its packages (none for the environment's own), sizes in bytes, time in seconds."""

    packages: tuple[str, ...]
    digest: Digest
    diff_id: Digest
    size: int
    cached: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class BuildResult:
    """An image, and what is worth knowing of how it came about.

    `layers` are the new ones, bottom first, without the base's. `post_link` names packages whose post-link scripts
    were not run; `trimmed_files` and `trimmed_bytes` count what the filter left out of them.
    """

    image: Image
    prefix: str
    layers: tuple[LayerReport, ...]
    post_link: tuple[str, ...] = ()
    trimmed_files: int = 0
    trimmed_bytes: int = 0
    notes: tuple[str, ...] = ()


def build_image(
    environment: LockedEnvironment,
    base: Image | None = None,
    options: BuildOptions | None = None,
    *,
    progress: Progress = SILENT,
) -> BuildResult:
    """Build the image of an environment on `base` (None: from scratch), which is left as it is.

    Layers that the cache has are not built again, and their packages neither downloaded nor read. The image's name
    is the base's until it is set.

    Raises `PlatformNotFound` for a base of another platform, `UnsupportedFormat` for one with too many layers,
    `DownloadError`, `InvalidPackage` and `CacheError`.
    """
    options = options or BuildOptions()
    image = base.copy() if base is not None else Image(platform=_platform(environment))
    _check_base(environment, image, base)
    notes: list[str] = []
    prefix = choose_prefix(environment, image, options, notes)
    room = options.max_layers - len(image.layers) - 1 - bool(options.add)
    if room < 1:
        raise UnsupportedFormat(
            f"the base image has {len(image.layers)} layers, which leaves no room for packages among the "
            f"{options.max_layers} that an image may have here (--max-layers)"
        )
    cache = LayerCache(options.cache_dir or default_cache_dir())
    environment = complete_environment(environment, cache.root, offline=options.offline, progress=progress)
    created = created_seconds(environment)
    made, interpreter = _make(environment, prefix, options, room, cache, progress, notes)
    for layer in made:
        history = provenance.packages_history(layer.packages, prefix, rfc3339(created))
        image.add_layer(Layer(layer.layer.blob, layer.layer.diff_id, history=(history,)))

    activation = _activation(environment, image, prefix, options, made)
    started = time.monotonic()
    own = _environment_layer(environment, prefix, options, activation, created)
    image.add_layer(
        Layer(own.blob, own.diff_id, history=(provenance.environment_history(environment, prefix, rfc3339(created)),))
    )
    reports = [_report(layer) for layer in made]
    reports.append(LayerReport((), own.digest, own.diff_id, own.size, False, time.monotonic() - started))
    if options.add:
        added = image.add_layer_paths(options.add, recursive=True)
        reports.append(LayerReport((), added.digest, added.diff_id, added.size, False, 0.0))

    _configure(environment, image, base, prefix, options, activation)
    image.created = rfc3339(created)
    if interpreter is not None and interpreter.version is None:
        notes.append(f"noarch: python modules are not byte-compiled: {interpreter.problem}")
    extracted = sum(len(layer.packages) for layer in made if layer.extracted)
    if extracted:
        notes.append(f"{extracted} packages were read from extracted folders: from archives, the digest may be another")
    uncompiled = [name for layer in made for name in layer.facts.uncompiled]
    if uncompiled:
        notes.append(f"{len(uncompiled)} modules do not compile and have no .pyc file, as conda would leave them")
    return BuildResult(
        image,
        prefix,
        tuple(reports),
        tuple(sorted(name for layer in made for name in layer.facts.post_link)),
        sum(layer.facts.trimmed_files for layer in made),
        sum(layer.facts.trimmed_bytes for layer in made),
        (*environment.warnings, *notes, *activation.notes),
    )


def choose_prefix(environment: LockedEnvironment, image: Image, options: BuildOptions, notes: list[str]) -> str:
    """Where the environment lives: where the options say, else `/opt/conda`.

    A base such as miniconda3 has an environment of its own at `/opt/conda`, as its PATH tells. Two environments in one
    folder would be neither; there, the default is `/opt/conda/envs/<name>`.
    """
    path = image.config.environment.get("PATH", "").split(":")
    if options.prefix is not None:
        if f"{options.prefix}/bin" in path:
            notes.append(
                f"the base image seems to have an environment at {options.prefix} already; the two are mixed now"
            )
        return options.prefix
    if f"{DEFAULT_PREFIX}/bin" not in path:
        return DEFAULT_PREFIX
    prefix = f"{DEFAULT_PREFIX}/envs/{environment.name or 'app'}"
    notes.append(f"the base image has an environment at {DEFAULT_PREFIX} already; this one lives at {prefix}")
    return prefix


def created_seconds(environment: LockedEnvironment) -> int:
    """The image's time, in seconds since 1970: SOURCE_DATE_EPOCH, else that of the newest package."""
    epoch = source_date_epoch()
    if epoch is not None:
        return epoch
    times = [package.timestamp or 0 for package in environment.packages]
    return max((time if time <= _MAX_SECONDS else time // 1000 for time in times), default=0)


def _platform(environment: LockedEnvironment) -> Platform:
    from conda_docker.environment.subdirs import platform_of_subdir

    return platform_of_subdir(environment.subdir)


def _check_base(environment: LockedEnvironment, image: Image, base: Image | None) -> None:
    wanted = _platform(environment)
    if base is not None and not wanted.accepts(image.platform):
        raise PlatformNotFound(
            f"the base image is for {image.platform}, the environment ({environment.subdir}) for {wanted}; "
            "choose another base or --platform"
        )


def _make(
    environment: LockedEnvironment,
    prefix: str,
    options: BuildOptions,
    room: int,
    cache: LayerCache,
    progress: Progress,
    notes: list[str],
) -> tuple[list[MadeLayer], Interpreter | None]:
    """The layers of the environment's packages, bottom first, and what compiled their modules."""
    python = environment.python
    needed = bool(environment.wheels) or any(map(has_modules_to_compile, environment.packages))
    interpreter = Interpreter.choose(python if needed else None, options.bytecode, _platform(environment))
    factory = LayerFactory(environment, prefix, options, cache, interpreter, progress)
    requested = {match_spec_name(spec.rpartition("::")[2]) for spec in environment.requested}
    plan = plan_layers(
        environment.packages,
        wheels=environment.wheels,
        limit=room,
        layering=options.layering,
        requested=requested,
    )
    made = factory.make(plan, read_cache=options.use_cache)
    meeting = {package.stem for package in packages_that_meet(made)}
    meeting |= {distribution.package for distribution in environment.replaced}
    if meeting:
        # Some path is in two packages: the last in topological order has it, and the other's layer is made without.
        packages = [package for package in environment.packages if package.stem in meeting]
        wheels = [wheel for wheel in environment.wheels if wheel.stem in meeting]
        lost = factory.losses([*packages, *wheels])
        made = factory.make(plan, read_cache=True, lost=lost)
        if wheels:
            notes += _lost_to_wheels(environment, packages, lost, factory.losses(packages))
    return made, factory.interpreter


def _lost_to_wheels(
    environment: LockedEnvironment, packages: Sequence[LockedPackage], lost: Losses, among_themselves: Losses
) -> list[str]:
    """Notes about conda packages whose files wheels overwrite, as pip would, though they replace none of them."""
    replaced = {distribution.package for distribution in environment.replaced}
    counts = {
        package.stem: len(lost.get(package.stem, frozenset()) - among_themselves.get(package.stem, frozenset()))
        for package in packages
        if package.stem not in replaced
    }
    return [
        f"{number} file{'s' if number > 1 else ''} of the conda package {stem} "
        f"{'are' if number > 1 else 'is'} overwritten by pip packages"
        for stem, number in counts.items()
        if number
    ]


def _activation(
    environment: LockedEnvironment, image: Image, prefix: str, options: BuildOptions, made: Sequence[MadeLayer]
) -> Activation:
    return activate(
        options.activate,
        prefix,
        base_variables=image.config.environment,
        package_variables={name: fields for layer in made for name, fields in layer.facts.variables.items()},
        environment_variables=environment.variables,
        scripts=[script for layer in made for script in layer.facts.activate],
        is_root_prefix=any(package.name == "conda" for package in environment.packages),
    )


def _environment_layer(
    environment: LockedEnvironment, prefix: str, options: BuildOptions, activation: Activation, created: int
) -> Layer:
    """The last layer of an environment: what makes a folder with packages an environment, and what activates it."""
    root = prefix.strip("/")
    files: dict[str, tuple[int, bytes]] = {f"{root}/conda-meta/history": (0o644, history_file(environment, created))}
    if environment.variables:
        files[f"{root}/conda-meta/state"] = (0o644, state_file(environment.variables))
    if activation.entrypoint is not None:
        files[f"{root}/bin/{ENTRYPOINT_NAME}"] = (0o755, activation.entrypoint.encode())
    with build_layer(None, options.compression, options.compression_level) as builder:
        for path, (mode, content) in sorted(files.items()):
            builder.add(TarEntry(path, mode=mode, size=len(content), mtime=created), content)
    assert builder.layer is not None
    return builder.layer


def history_file(environment: LockedEnvironment, created: int) -> bytes:
    """The content of `conda-meta/history`, from which conda knows what was asked for (conda/history.py)."""
    when = rfc3339(created).replace("T", " ").rstrip("Z")
    lines = [f"==> {when} <==", "# cmd: conda-docker build"]
    lines += sorted(f"+{_distribution(package)}" for package in environment.packages)
    if environment.requested:
        lines.append(f"# update specs: {list(environment.requested)!r}")
    return ("\n".join(lines) + "\n").encode()


def _distribution(package: LockedPackage) -> str:
    channel = (package.channel or package.public_url.rsplit("/", 2)[0]).rstrip("/")
    return f"{channel}/{package.subdir}::{package.name}-{package.version}-{package.build}"


def _configure(
    environment: LockedEnvironment,
    image: Image,
    base: Image | None,
    prefix: str,
    options: BuildOptions,
    activation: Activation,
) -> None:
    """Set what containers run with, and say what the image is."""
    config = image.config
    for name, value in (*activation.variables.items(), *options.env.items()):
        config.set_variable(name, value)
    if options.entrypoint is not None:
        config["Entrypoint"] = list(options.entrypoint)
    elif activation.entrypoint is not None:
        # In front of the base's own entrypoint, which then runs with everything set.
        config["Entrypoint"] = [f"{prefix}/bin/{ENTRYPOINT_NAME}", *config["Entrypoint"]]
    if options.cmd is not None:
        config["Cmd"] = list(options.cmd)
    elif options.entrypoint is not None:
        config["Cmd"] = []  # the base's were arguments of another entrypoint
    elif not config["Cmd"] and not (base and base.config["Entrypoint"]) and environment.python is not None:
        config["Cmd"] = [f"{prefix}/bin/python"]
    if options.user is not None:
        config["User"] = options.user
    if options.workdir is not None:
        config["WorkingDir"] = options.workdir
    for port in options.expose:
        config["ExposedPorts"][port if "/" in port else f"{port}/tcp"] = {}
    described: dict[str, str] = {}
    if base is not None:
        described["org.opencontainers.image.base.digest"] = base.digest
        with suppress(InvalidReference):  # an image may be called anything while it is in memory
            described["org.opencontainers.image.base.name"] = str(base.reference)
    image.annotations = described | {"org.opencontainers.image.created": rfc3339(created_seconds(environment))}
    config["Labels"].update(described | dict(options.labels))


def _report(layer: MadeLayer) -> LayerReport:
    return LayerReport(
        tuple(package.name for package in layer.packages),
        layer.layer.digest,
        layer.layer.diff_id,
        layer.layer.size,
        layer.cached,
        layer.seconds,
    )


__all__ = ["BuildResult", "LayerReport", "build_image", "choose_prefix", "history_file"]
