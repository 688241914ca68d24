"""`conda-docker lock`: exact packages for several platforms, in a file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.options.asked.destinations import check_kept, check_no_folder
from conda_docker.cli.options.build import DEFAULTS, values_for
from conda_docker.cli.options.common import check_level
from conda_docker.cli.options.declarable import key_of
from conda_docker.cli.options.lock import DEFAULT_FILE, KEPT, LOCK_OPTIONS, LOCKABLE, RECORDED
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.display import open_display
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.tables import count
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment
from python_docker.errors import InvalidPath

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.request import Request
    from conda_docker.resolution.resolve import Resolved
    from python_docker.progress import Progress

_EXAMPLES = """
# For two platforms, then build what it says anywhere
conda-docker lock -f environment.yml --platform linux/amd64,linux/arm64
conda-docker build -f conda-docker.lock -i demo:1.0 --load
# In CI: is it up to date with environment.yml?
conda-docker lock --check
# A newer numpy, and what that needs
conda-docker lock --update numpy
# For other programs
conda-docker lock -f environment.yml -o pixi.lock
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be locked: values by the names of options, and how the lock file records them."""

    values: Mapping[str, Any]
    request: Request
    inputs: Mapping[str, Any]
    digest: str


@command(*LOCK_OPTIONS, examples=_EXAMPLES)
@click.pass_context
def lock(
    ctx: click.Context,
    /,
    console: Output,
    path: Path,
    form: str | None,
    *,
    check: bool,
    update: tuple[str, ...],
    force: bool,
    **given: Any,
) -> int | None:
    """Lock an environment to exact packages, for several platforms.

    Besides conda packages and wheels with their hashes, the file keeps the base image by its digest, what was assumed
    about the system, and the options that images depend on. Building from it gives the same image on every machine.
    Without packages or a file, what the lock file was made from is locked again.
    """
    from conda_docker.cli.options.asked.inputs import inputs_of
    from conda_docker.environment.inputs.lock_files.pixi_lock import DEFAULT_ENVIRONMENT
    from conda_docker.lock_files.inputs import read_lock
    from conda_docker.lock_files.lost import lost_note
    from conda_docker.lock_files.overwrite import check_replaceable
    from conda_docker.user_files import read_once

    if check and update:
        raise click.UsageError("--check and --update are mutually exclusive: --check writes nothing")
    form = form or _form_of(path)
    if form != "conda-docker" and (check or update):
        raise click.UsageError(
            f"{'--check' if check else '--update'}: a lock file of {form} does not say what it was made from; give "
            "what to lock to write it anew, or use a lock file of conda-docker"
        )
    check_no_folder(path)
    existing = read_lock(path) if form == "conda-docker" else None
    again = _command(path, given["target"])
    if check or update:
        existing = _found(path, existing, again)
    with read_once():  # what is locked is what is noted, even if a file changes meanwhile
        asked = _asked(ctx, given, path, existing)
        if check:
            return _check(console, path, existing or {}, asked, again)
        # What is locked may be replaced with --force; nothing else that is read.
        files = {f"--file {file}" for file in asked.request.files}
        read = [each for each in inputs_of(asked.values, asked.request) if each[0] not in files]
        check_kept([(f"--output {path}", path)], read)
        if not force:
            check_replaceable(path, form, asked.values["environment"] or DEFAULT_ENVIRONMENT, asked.request.files)
        check_level(asked.values["compression"] or DEFAULTS.compression, asked.values["compression_level"])
        preferred = _preferred(path, update) if update else {}
        with open_display(console) as progress:
            resolved = _resolved(asked.request, preferred, progress)
    for note in dict.fromkeys(note for each in resolved for note in _notes(each.environment, asked.request)):
        console.note(f"note: {note}")
    own = form == "conda-docker"
    if not own:
        # What a file declares, builds take from there.
        given_here = (key for key in dict.fromkeys(map(key_of, KEPT)) if was_given_key(ctx, key))
        lost = lost_note(str(path), [each.environment for each in resolved], given_here)
        if lost is not None:
            console.note(f"note: {lost}")
    _write(path, form, resolved, asked)
    # What goes to a file goes to standard error where the file itself goes to standard output.
    say = console.note if str(path) == "-" or (path.exists() and not path.is_file()) else console.result
    for each in resolved:
        environment = each.environment
        packages = f"{count(len(environment.packages), 'conda package')}, {count(len(environment.wheels), 'wheel')}"
        base = f", base {each.base_name}" if own else ""
        say(f"{path}: {environment.subdir}, {packages}{base}")
    return None


def _form_of(path: Path) -> str:
    if path.name.endswith("pixi.lock"):
        return "pixi"
    return "conda-lock" if path.name.endswith(("conda-lock.yml", "conda-lock.yaml")) else "conda-docker"


def _asked(ctx: click.Context, given: dict[str, Any], path: Path, existing: Mapping[str, Any] | None) -> _Asked:
    """Return what is to be locked: as given, as declared in a file, or as the lock file was made before."""
    from conda_docker.cli.declared.find import find_declaration
    from conda_docker.cli.declared.images import chosen_images
    from conda_docker.cli.declared.recorded import recorded_options
    from conda_docker.cli.declared.values import ENVIRONMENTS, was_given, with_declared
    from conda_docker.lock_files.inputs import inputs_digest
    from conda_docker.resolution.described_in import described_in

    wanted, no_config = given.pop("target"), given.pop("no_config")
    declaration = None if no_config else find_declaration()
    table: Mapping[str, Any] = {}
    source = path.absolute()
    if declaration is not None:
        images = chosen_images(declaration, wanted)
        if len(images) > 1:
            raise click.UsageError(f"{declaration.path} declares {len(images)} images; choose one with --target")
        [declared] = images.values()
        own = {Path(str(each)).name for each in _listed(declared.get("file"))} == {path.name}
        # A project that builds from its lock file is locked from what the lock file was made from.
        if not own:
            table, source = declared, declaration.path
    elif wanted:
        raise click.UsageError("--target: no images are declared here, in conda-docker.toml or the like")
    described = any(was_given(ctx, param) for param in LOCKABLE if key_of(param) in ENVIRONMENTS)
    if not described and not ENVIRONMENTS & table.keys() and existing is not None:
        if "-" in _listed(existing["inputs"].get("file")):
            raise click.UsageError(f"{path} was made from standard input: give it that again, with -f -")
        table, source = {**existing["inputs"], **table}, path.absolute()
    keys = {key_of(param) for param in LOCKABLE}
    table = {key: value for key, value in table.items() if key in keys}
    values = with_declared(ctx, given, table, source)
    inputs = recorded_options(ctx, RECORDED, table, source.parent, path.absolute().parent)
    if described:
        inputs = {key: value for key, value in inputs.items() if key not in ENVIRONMENTS or was_given_key(ctx, key)}
    request = _request(values)
    return _Asked(values, request, inputs, inputs_digest(inputs, described_in(request)))


def was_given_key(ctx: click.Context, key: str) -> bool:
    """Return whether the option with this key is on the command line."""
    from conda_docker.cli.declared.values import was_given

    return any(was_given(ctx, param) for param in LOCKABLE if key_of(param) == key)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _command(path: Path, targets: Sequence[str]) -> str:
    """Return the command that writes the lock file at `path`, as it is typed in a shell."""
    named = ["-o", str(path)] if str(path) != DEFAULT_FILE else []
    wanted = [word for target in targets for word in ("--target", target)]
    return shlex.join(["conda-docker", "lock", *named, *wanted])


def _check(console: Output, path: Path, existing: Mapping[str, Any], asked: _Asked, again: str) -> int:
    if existing.get("inputs-digest") == asked.digest:
        console.result(f"{path} is up to date")
        return 0
    changed = sorted(
        key for key in {*existing["inputs"], *asked.inputs} if existing["inputs"].get(key) != asked.inputs.get(key)
    )
    what = f"other options: {', '.join(changed)}" if changed else "a file that it is made from has changed"
    console.error(f"{path} is not up to date: {what}; update it with `{again}`")
    return 1


def _found(path: Path, existing: Mapping[str, Any] | None, again: str) -> Mapping[str, Any]:
    """Return the document of a lock file of conda-docker's own form, which must be there."""
    if existing is not None:
        return existing
    if path.exists():
        raise InvalidEnvironment(f"{path} is not a lock file of conda-docker; name another with -o")
    raise EnvironmentNotFound(
        f"there is no lock file {path}; write it with `{again}`, and -f FILE unless conda-docker.toml says what to lock"
    )


def _request(values: Mapping[str, Any]) -> Request:
    from conda_docker.build_options import DEFAULT_BASE, BuildOptions
    from conda_docker.cli.options.arguments import to_source
    from conda_docker.cli.options.asked.destinations import registry_of
    from conda_docker.cli.options.policy import policy_of
    from conda_docker.request import Request

    base = None if values["base"] == "scratch" else to_source("--base", values["base"] or DEFAULT_BASE)
    try:
        return Request(
            specs=values["specs"],
            base_registry=registry_of(base, values) if base else None,
            policy=policy_of(values),
            options=BuildOptions(**values_for("options", values)),
            **values_for("request", values),
        )
    except (ValueError, InvalidPath, InvalidEnvironment) as error:
        raise click.UsageError(str(error)) from None


def _preferred(path: Path, update: tuple[str, ...]) -> dict[str, LockedEnvironment]:
    """Return what the lock file holds for each platform, but for the packages to update."""
    from conda_docker.environment.packages.wheels import normalize_name
    from conda_docker.lock_files.inputs import locked_environments

    environments = locked_environments(path)
    names = {package.name for found in environments.values() for package in found.packages}
    names |= {wheel.name for found in environments.values() for wheel in found.wheels}
    wanted = {name if name in names else name.lower() for name in update}
    wanted |= {normalize_name(name) for name in wanted if normalize_name(name) in names}
    for name in sorted(wanted):
        if name not in names and normalize_name(name) not in names:
            from conda_docker.arguments.spelling import did_you_mean

            raise InvalidEnvironment(f"{path} has no package {name!r}{did_you_mean(name, names)}")
    return {
        subdir: replace(
            found,
            packages=tuple(package for package in found.packages if package.name not in wanted),
            wheels=tuple(wheel for wheel in found.wheels if wheel.name not in wanted),
        )
        for subdir, found in environments.items()
    }


def _resolved(request: Request, preferred: Mapping[str, LockedEnvironment], progress: Progress) -> tuple[Resolved, ...]:
    from conda_docker.cache.location import default_cache_dir
    from conda_docker.package.fetch.complete import complete_environment
    from conda_docker.resolution.resolve import resolve

    cache_dir = request.options.cache_dir or default_cache_dir()
    # Projects are built from their folders each time.
    found = resolve(request, preferred=preferred, build_projects=False, progress=progress)
    return tuple(
        replace(
            each,
            environment=complete_environment(
                each.environment, cache_dir, offline=request.options.offline, progress=progress
            ),
        )
        for each in found
    )


def _notes(environment: LockedEnvironment, request: Request) -> Iterator[str]:
    """Yield what the user should hear of what is locked. Raises `UnsupportedInput` for what cannot be."""
    from conda_docker.link.filter import FileFilter
    from conda_docker.lock_files.existing import check_lockable, notes_of_lock

    check_lockable(environment)
    yield from environment.warnings
    yield from notes_of_lock(environment, FileFilter(exclude=tuple(request.options.exclude)))


def _write(path: Path, form: str, resolved: tuple[Resolved, ...], asked: _Asked) -> None:
    from conda_docker.environment.inputs.lock_files.pixi_lock import DEFAULT_ENVIRONMENT
    from conda_docker.lock_files.conda_lock import conda_lock
    from conda_docker.lock_files.own import own_lock
    from conda_docker.lock_files.pixi import pixi_lock
    from python_docker.transports.output import write_file

    environments = [each.environment for each in resolved]
    if form == "pixi":
        text = pixi_lock(environments, path.absolute().parent, asked.values["environment"] or DEFAULT_ENVIRONMENT)
    elif form == "conda-lock":
        text = conda_lock(environments, asked.values["file"], asked.digest.partition(":")[2])
    else:
        text = own_lock(resolved, asked.inputs, asked.digest, path.absolute().parent)
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        write_file(path, text.encode())
