"""Programs that move images between layouts, archives and registries, and how each is told to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.ours import TOOL
from benchmarks.work import Session
from demo.channel import ROOT

BUILT = ROOT / "benchmarks" / "tools"
"""Where `make bench-tools` puts the newest of them."""
PUSH = "push"
PULL = "pull"
ARCHIVE = "pull, to docker archive"
COPY = "copy, registry to registry"
MOUNT = "copy within a registry"
CONVERT = "copy, layout to docker archive"
VALIDATE = "validate"
_ANY_TLS = ("--src-tls-verify=false", "--dest-tls-verify=false")


@dataclass(frozen=True, slots=True)
class Places:
    """The ends of the transfers: `layout` has the image as `1`; `here`, `there` and `aside` are names in registries."""

    layout: Path
    here: str
    there: str
    aside: str
    out: Path
    archive: Path


Commands = Mapping[str, list[str]]


def tools(session: Session) -> dict[str, Callable[[Places], Commands]]:
    """Return the tools that are here, conda-docker first, each with the commands of the transfers that it can do."""
    found: dict[str, Callable[[Places], Commands]] = {TOOL: partial(_ours, session.program)}
    for name, commands in (("crane", _crane), ("regctl", _regctl), ("skopeo", _skopeo)):
        program = find_tool(name, session.env["PATH"])
        if program is not None:
            found[name] = partial(commands, program)
    return found


def find_tool(name: str, path: str) -> str | None:
    """Return the program to run: the one that was built here, else the one on the path, if there is one."""
    return shutil.which(name, path=str(BUILT)) or shutil.which(name, path=path)


def _ours(program: list[str], at: Places) -> Commands:
    validate = [*program, "--quiet", "validate", f"docker://{at.here}"]
    return {**_copies([*program, "--quiet", "copy"], at), VALIDATE: validate}


def _copies(copy: list[str], at: Places) -> Commands:
    """Return the commands of a program that names places as skopeo does; `copy` is how it is told to copy."""
    layout = f"oci:{at.layout}:1"
    return {
        PUSH: [*copy, layout, f"docker://{at.there}"],
        PULL: [*copy, f"docker://{at.here}", f"oci:{at.out}:1"],
        ARCHIVE: [*copy, f"docker://{at.here}", f"docker-archive:{at.archive}:image:1"],
        COPY: [*copy, f"docker://{at.here}", f"docker://{at.there}"],
        MOUNT: [*copy, f"docker://{at.here}", f"docker://{at.aside}"],
        CONVERT: [*copy, layout, f"docker-archive:{at.archive}:image:1"],
    }


def _crane(program: str, at: Places) -> Commands:
    return {
        PUSH: [program, "push", str(at.layout), at.there],
        PULL: [program, "pull", "--format", "oci", at.here, str(at.out)],
        ARCHIVE: [program, "pull", at.here, str(at.archive)],
        COPY: [program, "copy", at.here, at.there],
        MOUNT: [program, "copy", at.here, at.aside],
        VALIDATE: [program, "validate", "--remote", at.here],
    }


def _regctl(program: str, at: Places) -> Commands:
    # It tries TLS first on every host that it was not told about.
    hosts = {name.partition("/")[0] for name in (at.here, at.there)}
    plain = [option for host in sorted(hosts) for option in ("--host", f"reg={host},tls=disabled")]
    copy = [program, *plain, "image", "copy"]
    return {
        PUSH: [*copy, f"ocidir://{at.layout}:1", at.there],
        PULL: [*copy, at.here, f"ocidir://{at.out}:1"],
        ARCHIVE: [program, *plain, "image", "export", at.here, str(at.archive)],
        COPY: [*copy, at.here, at.there],
        MOUNT: [*copy, at.here, at.aside],
    }


def _skopeo(program: str, at: Places) -> Commands:
    return _copies([program, "--insecure-policy", "copy", "--quiet", *_ANY_TLS], at)
