"""Link scripts: `post-link` of packages, in a sandbox.

Run as conda and rattler run them (conda/core/link.py, `run_script`; rattler, link_script.rs): by a shell that has
activated the environment and sources them, so that `return` ends one and what activation scripts export is there.

Only with `--link-scripts run`. What they change becomes one layer, kept in the cache under a key of all that they saw.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.arguments.listing import first_of
from conda_docker.environment.active import active_variables, sourcing
from conda_docker.errors import ScriptFailed
from conda_docker.redaction import public_output
from conda_docker.sandbox import View, find_sandbox
from conda_docker.scripts.tree import Tree, changes, lay_out
from conda_docker.scripts.under_way import under_way
from python_docker.errors import InvalidPath, reason_of
from python_docker.image.layer_builder import build_layer
from python_docker.programs import run_program
from python_docker.progress import SILENT
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.sandbox import Sandbox
    from python_docker.image.blob_store import BlobWriter
    from python_docker.image.layer import Layer
    from python_docker.progress import Progress
    from python_docker.streams.compression import Compression

FORMAT = 5
"""To be raised whenever the same scripts on the same files give another layer."""

MESSAGES = ".messages.txt"
"""Where, below the prefix, a script leaves messages for the user."""

_SHELLS = ("bin/bash", "bin/sh")
_TIME_LIMIT = 1800  # seconds for one script
_SOURCE = """\
if [ -n "${BASH_VERSION-}" ]; then exec 9>&2; BASH_XTRACEFD=9; set -x; fi
. "$PREFIX/bin/.$PKG_NAME-post-link.sh"
"""
"""What a shell does for one package, once it has activated the environment.

Its commands are traced for the error that a failure ends in, where bash can do that apart from what the script itself
writes to standard error, perhaps into `.messages.txt`.
"""
_SHOWN = 4000  # characters of what a script prints
_NAMED = 3  # of what is left out
_OUTPUT = 1 << 16  # bytes of it that are kept


@dataclass(frozen=True, slots=True)
class ScriptsRun:
    """What running link scripts came to: a layer (empty unless something `changed`), and what the scripts said."""

    layer: Layer
    changed: bool
    messages: tuple[str, ...] = ()


def key_of_link_scripts(
    layers: Sequence[Layer],
    packages: Sequence[LockedPackage],
    prefix: str,
    *,
    time: int,
    variables: Mapping[str, str],
    network: bool,
    compression: str,
) -> str:
    """Return the key of the layer that the scripts of `packages` make on `layers`: all that they can see.

    `time` is the last that its files may have, in seconds since 1970; `variables` are the image's.
    """
    inputs = {
        "format": FORMAT,
        "layers": [str(layer.diff_id) for layer in layers],
        "scripts": [[package.name, package.version, package.build_number] for package in packages],
        "prefix": prefix,
        "time": time,
        "variables": dict(variables),
        "network": network,
        "compression": compression,
    }
    return hashlib.sha256(b"link scripts" + json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def check_runnable(platform: Platform) -> Sandbox:
    """Return the sandbox that scripts of an image for `platform` run in.

    Raises `SandboxUnavailable` where there is none, `ScriptFailed` for another processor than this machine's.
    """
    sandbox = find_sandbox()
    if not Platform.host().accepts(platform):
        raise ScriptFailed(
            f"link scripts for {platform} run only on a machine with that processor, and this one is "
            f"{Platform.host()}; build there, or leave --link-scripts at warn"
        )
    return sandbox


def run_link_scripts(
    layers: Sequence[Layer],
    packages: Sequence[LockedPackage],
    prefix: str,
    *,
    sandbox: Sandbox,
    time: int,
    variables: Mapping[str, str],
    network: bool = False,
    writer: BlobWriter | None = None,
    compression: Compression,
    level: int | None = None,
    progress: Progress = SILENT,
) -> ScriptsRun:
    """Run the post-link scripts of `packages`, in their order, on the merged files of `layers`, bottom first.

    `variables` are the image's; conda's own are set for each script. `time` bounds the times of changed files, in
    seconds since 1970. Raises `ScriptFailed`, with the script's own words, for one that fails.
    """
    with lay_out(layers) as tree:
        shell = _find_shell(tree, prefix)
        messages: list[str] = []
        for package in packages:
            with under_way(progress, f"link script of {package.stem} (limit {_TIME_LIMIT // 60} min)"):
                _run(tree, package, prefix, shell, sandbox, variables, network)
            messages += _take_messages(tree, package, prefix, variables)
        changed = False
        left_out: list[str] = []
        try:
            with build_layer(writer, compression, level) as builder:
                for entry, content in changes(tree, time, leave_out=left_out.append):
                    builder.add(entry, content)
                    changed = True
        except InvalidPath as error:
            raise ScriptFailed(f"what link scripts made cannot go into an image: {error}") from error
        assert builder.layer is not None
        if left_out:
            shown = first_of([f"/{path[:200]}" for path in sorted(left_out)], _NAMED)
            messages.append(f"link scripts made what no image can hold, a socket or a device: {shown}")
        return ScriptsRun(builder.layer, changed, tuple(messages))


def _find_shell(tree: Tree, prefix: str) -> str:
    for place in (
        *(f"{prefix.strip('/')}/{shell}" for shell in _SHELLS),
        *_SHELLS,
        *(f"usr/{shell}" for shell in _SHELLS),
    ):
        if tree.files.has_file(place):
            return f"/{place}"
    raise ScriptFailed(
        "link scripts need a shell, and neither the base image nor the environment has one; add the package bash, or "
        "use a base such as debian:stable-slim"
    )


def _run(
    tree: Tree,
    package: LockedPackage,
    prefix: str,
    shell: str,
    sandbox: Sandbox,
    variables: Mapping[str, str],
    network: bool,
) -> None:
    environ = {
        **variables,
        **active_variables(prefix),
        "HOME": "/tmp",  # noqa: S108 -- the sandbox's own
        "PYTHONDONTWRITEBYTECODE": "1",  # it would write times into the image
        "ROOT_PREFIX": prefix,
        "PREFIX": prefix,
        "PKG_NAME": package.name,
        "PKG_VERSION": package.version,
        "PKG_BUILDNUM": str(package.build_number),
        "PATH": f"{prefix}/bin:{variables.get('PATH', '/usr/bin:/bin')}",
    }
    view = View(
        writable={"/": tree.folder},
        temporary=("/tmp", "/run"),  # noqa: S108
        devices=True,
        network=network,
        root=True,
        working_folder=f"{prefix}/bin",
        variables=environ,
    )
    try:
        command = sandbox.command([shell, "-c", f"{{\n{sourcing(prefix)}}} >/dev/null 2>&1\n{_SOURCE}"], view)
        ended = run_program(command, environ={}, timeout=_TIME_LIMIT, keep=_OUTPUT)
    except subprocess.TimeoutExpired:
        raise ScriptFailed(f"the post-link script of {package.stem} did not end within {_TIME_LIMIT} seconds") from None
    except OSError as error:
        raise ScriptFailed(f"the post-link script of {package.stem} cannot be started: {reason_of(error)}") from error
    if ended.returncode != 0:
        said = "\n".join(_shown(printed, environ) for printed in (ended.stdout, ended.stderr)).strip()[-_SHOWN:]
        without = "" if network else " (it has no network; --link-scripts-network gives it one)"
        raise ScriptFailed(
            f"the post-link script of {package.stem} failed with exit code {ended.returncode}{without}:\n{said}"
        )


def _shown(printed: bytes, variables: Mapping[str, str]) -> str:
    """Return what may be shown of the end of a script's output; commands are in it, with all that they were given."""
    if len(printed) == _OUTPUT:
        printed = printed.partition(b"\n")[2]  # half a line might be half a password
    return public_output(printed.decode("utf-8", "replace"), variables)


def _take_messages(tree: Tree, package: LockedPackage, prefix: str, variables: Mapping[str, str]) -> list[str]:
    """Return what a script left for the user, without credentials; the file is not part of the image."""
    folder = tree.folder / prefix.strip("/")
    path = folder / MESSAGES
    # A script may have put a link in the way, which leads out of the tree here.
    if folder.resolve() != tree.folder.resolve() / prefix.strip("/") or path.is_symlink() or not path.is_file():
        return []
    with path.open("rb") as file:
        text = public_output(file.read(_SHOWN).decode("utf-8", "replace"), variables).strip()
    path.unlink()
    return [f"{package.name} says: {text}"] if text else []
