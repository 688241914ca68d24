"""compose: one environment of a manifest, for one platform, as what is to be solved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from conda_docker.arguments.cutoff import parse_cutoff
from conda_docker.environment.inputs.pixi.activation import read_activation
from conda_docker.environment.inputs.pixi.manifest import DEFAULT, Environment, Feature, Manifest
from conda_docker.environment.inputs.pixi.options import PipOptions, pip_options
from conda_docker.environment.inputs.pixi.platforms import Platform
from conda_docker.environment.inputs.pixi.specs import indexes, match_spec, pip_requirement
from conda_docker.environment.inputs.pixi.spelling import misspelt
from conda_docker.environment.inputs.pixi.toml_table import Table
from conda_docker.environment.inputs.platform_choice import choose_subdir, least_demanding
from conda_docker.environment.packages.wheels import PipRequirements, normalize_name
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.environment.subdirs import host_subdir
from conda_docker.errors import InvalidEnvironment, UnsupportedInput

# Those of the build replace those of the host, and these the general ones, as in pixi.
_DEPENDENCIES = ("dependencies", "host-dependencies", "build-dependencies")
_PRIORITIES = ("strict", "flexible", "disabled")
_STRATEGIES = {"highest": None, "lowest": "lowest", "lowest-direct": "lowest-direct"}


def choose_platform(
    manifest: Manifest, environment: Environment, subdir: str | None
) -> tuple[Platform, tuple[str, ...]]:
    """Return the platform of an environment for a subdir (None: this machine's), and a warning where others would do.

    An environment is for the platforms that all of its features are for; a platform that one of them names counts
    more than another one for the same subdir, and of several the one that asks least of the system is taken. A
    workspace that names none is for any. Raises `InvalidEnvironment` where there is no platform for the subdir.
    """
    if not manifest.platforms:
        subdir = subdir or host_subdir()
        return Platform(subdir, subdir), ()
    supported = [
        platform
        for platform in manifest.platforms
        if all(feature.supports(platform) for feature in environment.features)
    ]
    named = {name for feature in environment.features for name in feature.table.texts("platforms")}
    of = "" if environment.name == DEFAULT else f" in the environment {environment.name!r}"
    chosen = choose_subdir((platform.subdir for platform in supported), subdir, manifest.file_name, of)
    candidates = [platform for platform in supported if platform.subdir == chosen]
    candidates = [platform for platform in candidates if platform.name in named] or candidates
    taken = candidates[least_demanding([platform.virtual for platform in candidates])]
    others = [platform.name for platform in candidates if platform is not taken and taken.virtual]
    if not others:
        return taken, ()
    return taken, (
        f"{manifest.file_name}: of the platforms for {chosen}{of}, {taken.name} is used, not {', '.join(others)}",
    )


def compose(
    manifest: Manifest, environment: Environment, platform: Platform, *, to_solve: bool = True
) -> EnvironmentSpec:
    """Return what an environment asks for.

    Environments of one solve group are solved together, so that they share versions. What cannot be solved for here is
    left out unless it is `to_solve`: a lock file may have it.

    Raises `InvalidEnvironment` for a manifest that contradicts itself, and, `to_solve`, `UnsupportedInput` for what is
    built from source.
    """
    collected = _collect(manifest, environment, platform, to_solve)
    together = _Collected()
    for other in manifest.environments.values():
        supports = all(feature.supports(platform) for feature in other.features)
        if other is not environment and other.solve_group and other.solve_group == environment.solve_group and supports:
            together.add(_collect(manifest, other, platform, to_solve))
    options = pip_options(manifest, environment, platform)
    found = read_activation(manifest, environment, platform)
    return EnvironmentSpec(
        specs=tuple(dict.fromkeys(collected.specs)),
        solved_with=tuple(spec for spec in dict.fromkeys(together.specs) if spec not in collected.specs),
        constraints=tuple(dict.fromkeys([*collected.constraints, *together.constraints])),
        channels=_channels(manifest, environment),
        override_channels=True,
        channel_priority=_channel_priority(manifest, environment),
        strategy=_strategy(manifest, environment),
        exclude_newer=_exclude_newer(manifest),
        virtual_packages=tuple(_virtual_packages(environment, platform)),
        subdir=platform.subdir,
        pip=_pip(manifest, collected, together, options),
        variables=found.variables,
        scripts=found.scripts,
        name=manifest.name if environment.name == DEFAULT else environment.name,
        warnings=(*found.warnings, *options.warnings, *_passed_over(manifest)),
    )


def _passed_over(manifest: Manifest) -> Iterator[str]:
    yield from misspelt(manifest.root, manifest.workspace)
    for key in ("exclude-newer", "pypi-exclude-newer"):
        if manifest.root.table(key):
            yield f"{manifest.file_name}: `{manifest.root.key(key)}`, the dates of single packages, is ignored"


@dataclass(slots=True)
class _Collected:
    """What features ask for together."""

    specs: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    indexes: dict[str, str] = field(default_factory=dict)

    def add(self, other: _Collected) -> None:
        self.specs += other.specs
        self.constraints += other.constraints
        self.requirements += other.requirements


def _collect(manifest: Manifest, environment: Environment, platform: Platform, to_solve: bool) -> _Collected:
    collected = _Collected()
    inherited = manifest.workspace.table("dependencies")

    def match_specs(table: Table, key: str) -> dict[str, str]:
        entries = table.table(key)
        found = {}
        for name in entries:
            try:
                found[name.lower()] = match_spec(entries, name, manifest.folder, inherited)
            except UnsupportedInput:
                if to_solve:
                    raise
        return found

    for feature in environment.features:
        if to_solve:
            _refuse_development(feature, platform)
        specs: dict[str, str] = {}
        constraints: dict[str, str] = {}
        requirements: dict[str, str] = {}
        if feature.group.python is not None:
            specs["python"] = feature.group.python
        for table in feature.targets(platform):
            for key in _DEPENDENCIES:
                specs |= match_specs(table, key)
            constraints |= match_specs(table, "constraints")
            entries = table.table("pypi-dependencies")
            requirements |= {normalize_name(name): pip_requirement(entries, name, manifest.folder) for name in entries}
            collected.indexes |= indexes(entries)
        collected.specs += specs.values()
        collected.constraints += constraints.values()
        collected.requirements += [*requirements.values(), *feature.group.requirements]
    return collected


def _refuse_development(feature: Feature, platform: Platform) -> None:
    for table in feature.targets(platform):
        if names := list(table.table("dev")):
            raise UnsupportedInput(
                f"{table.file_name}: `{table.key('dev')}` installs what the sources of {', '.join(names)} need, which "
                "is not supported; choose an environment without it"
            )


def _channels(manifest: Manifest, environment: Environment) -> tuple[str, ...]:
    """Return the channels of all features in the order of their priorities, and else in that of the features."""
    found: list[tuple[int, str]] = []
    for feature in environment.features:
        own = "channels" in feature.table
        table = feature.table if own else manifest.workspace
        for item in table.items("channels"):
            priority, channel = 0, item
            if isinstance(item, dict):
                priority, channel = item.get("priority", 0), item.get("channel")
            if not isinstance(channel, str) or not isinstance(priority, int):
                raise table.invalid("channels", "should hold names, URLs, and tables with `channel` and `priority`")
            found.append((priority, _channel(channel, manifest)))
    found.sort(key=lambda pair: -pair[0])
    # conda's word for no channels but these, which pixi takes for a channel without packages.
    return tuple(dict.fromkeys(channel for _, channel in found if channel != "nodefaults"))


def _channel(channel: str, manifest: Manifest) -> str:
    """Return a channel; the path of a folder is relative to the manifest."""
    return str((manifest.folder / channel).resolve()) if channel.startswith(("./", "../")) else channel


def _channel_priority(manifest: Manifest, environment: Environment) -> str:
    found = {
        text: table for table in _tables(manifest, environment) if (text := table.text("channel-priority")) is not None
    }
    for text, table in found.items():
        if text not in _PRIORITIES:
            raise table.invalid("channel-priority", f"should be one of {', '.join(_PRIORITIES)}")
    if len(found) > 1:
        raise InvalidEnvironment(
            f"{manifest.file_name}: the environment {environment.name!r} has several channel priorities: "
            f"{', '.join(found)}"
        )
    return next(iter(found), "strict")


def _strategy(manifest: Manifest, environment: Environment) -> str | None:
    """Return which versions to prefer; the first feature that says it counts."""
    for table in _tables(manifest, environment):
        text = table.text("solve-strategy")
        if text is not None:
            if text not in _STRATEGIES:
                raise table.invalid("solve-strategy", f"should be one of {', '.join(_STRATEGIES)}")
            return _STRATEGIES[text]
    return None


def _exclude_newer(manifest: Manifest) -> datetime | None:
    workspace = manifest.workspace
    value = workspace.value("exclude-newer")
    if value is None:
        return None
    try:
        # TOML has dates and moments of its own.
        return parse_cutoff(value.isoformat() if isinstance(value, date) else workspace.text("exclude-newer") or "")
    except ValueError as error:
        raise workspace.invalid("exclude-newer", f"should be a date, a moment or a duration: {error}") from error


def _tables(manifest: Manifest, environment: Environment) -> Iterator[Table]:
    """Yield the tables that settings stand in; those of the default feature stand in the workspace's."""
    for feature in environment.features:
        yield manifest.workspace if feature.name == DEFAULT and feature.table is manifest.root else feature.table


def _virtual_packages(environment: Environment, platform: Platform) -> Iterator[str]:
    """Yield what an environment takes for granted; of several versions the highest, as in pixi."""
    found = dict(platform.virtual)
    for feature in environment.features:
        requirements = feature.table.table("system-requirements")
        for key in requirements:
            name, version = _system_requirement(requirements, key)
            if name is not None and _version_key(version) > _version_key(found.get(name, "")):
                found[name] = version
    for name, version in sorted(found.items()):
        # What is for other systems than Linux has no meaning in an image.
        if name not in ("__osx", "__win"):
            yield f"{name}=1={version}" if name == "__archspec" and version[:1].isalpha() else f"{name}={version}"


def _system_requirement(requirements: Table, key: str) -> tuple[str | None, str]:
    if key == "libc" and isinstance(requirements.value(key), dict):
        libc = requirements.table(key)
        return f"__{libc.text('family') or 'glibc'}", libc.text("version") or ""
    name = {"libc": "__glibc", "macos": "__osx", "unix": None}.get(key, f"__{key}")
    value = requirements.value(key)
    return name, str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit()) or ((0,) if version else ())


def _pip(
    manifest: Manifest, collected: _Collected, together: _Collected, options: PipOptions
) -> PipRequirements | None:
    if not collected.requirements:
        return None
    return PipRequirements(
        requirements=tuple(dict.fromkeys(collected.requirements)),
        constraints=tuple(text for text in _constraints(together.requirements) if text not in collected.requirements),
        options=options.options,
        folder=manifest.folder,
        origin=manifest.file_name,
        overrides=options.overrides,
        indexes=collected.indexes,
        index_strategy=options.index_strategy,
    )


def _constraints(requirements: Iterable[str]) -> Iterator[str]:
    """Yield those of other requirements that hold wherever a package is installed: their versions."""
    for text in dict.fromkeys(requirements):
        if " @ " not in text and "[" not in text and any(operator in text for operator in "<>=~!"):
            yield text
