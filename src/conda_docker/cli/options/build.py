"""The options of `conda-docker build`, as data: each row says what it sets, and where and how the help shows it.

A new option is a field of `Request` or `BuildOptions`, a row here, and a line of documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from conda_docker.arguments import to_additions, to_command, to_mapping, to_patterns, to_ports
from conda_docker.build_options import (
    Activate,
    BuildOptions,
    Bytecode,
    Layering,
    LinkScripts,
    to_repositories,
    to_share,
)
from conda_docker.cli.options import common
from conda_docker.cli.options.arguments import to_destinations, to_image_name, to_platforms, to_source
from conda_docker.cli.parser import Argument, Option
from python_docker.errors import InvalidPath
from python_docker.files.compression import Compression
from python_docker.tar import contained_path

CONTENT = "What goes into the image"
RESULT = "Where the image goes"
LAYERS = "Layers"
RUNTIME = "What containers run with"
CACHE = "Cache and network"

DEFAULT_IMAGE = "conda-docker:latest"
# As `conda_docker.request` has them, which takes too long to import for --help; a test compares.
DEFAULT_BASE = "debian:stable-slim"
CHANNEL_PRIORITIES = ("strict", "flexible", "disabled")
# As `conda_docker.sbom.document` has them.
BILL_FORMATS = ("cyclonedx", "spdx")

DEFAULTS = BuildOptions()
_FILE = click.Path(path_type=Path)


def _member_of(kind: type[StrEnum]) -> dict[str, Any]:
    """Return the settings of an option that takes one of the values of an enumeration."""
    return {"type": click.Choice([member.value for member in kind]), "convert": lambda name, value: kind(value)}


def _not(name: str, given: bool) -> bool | None:
    """Return False when the flag that turns something off was given, else None: the default."""
    return False if given else None


def _image_path(name: str, text: str) -> str:
    if not text.startswith("/"):
        raise InvalidPath(f"the path must be absolute, not {text[:200]!r}")
    return "/" + contained_path(text)


def _layer_count(name: str, number: int) -> int:
    if not 1 <= number <= 125:
        raise ValueError(f"{name} must be from 1 to 125, not {number}")
    return number


def _base(name: str, text: str) -> str:
    """Return the name of a base, which must be a place unless it is `scratch`."""
    if text != "scratch":
        to_source(name, text)
    return text


OPTIONS = (
    Argument(
        "specs",
        metavar="SPEC",
        nargs=-1,
        explanation="Packages, such as numpy, 'python=3.12' or bioconda::samtools.",
    ),
    Option(
        "-c",
        "--channel",
        sets="request.channels",
        metavar="URL",
        multiple=True,
        panel=CONTENT,
        help="A channel by name or URL, searched before those of your conda configuration (without one: conda-forge); "
        "repeatable.",
    ),
    Option(
        "--override-channels",
        sets="request.override_channels",
        is_flag=True,
        panel=CONTENT,
        help="Search only the channels given here.",
    ),
    Option(
        "--channel-priority",
        sets="request.channel_priority",
        metavar="HOW",
        type=click.Choice(CHANNEL_PRIORITIES),
        panel=CONTENT,
        help="strict, flexible or disabled, as in conda [default: what your conda configuration says]",
    ),
    Option(
        "-f",
        "--file",
        sets="request.files",
        metavar="PATH",
        type=_FILE,
        multiple=True,
        panel=CONTENT,
        help="An environment.yml, a lock file, or an @EXPLICIT list; repeatable where packages are still chosen.",
    ),
    Option(
        "--environment",
        sets="request.environment",
        metavar="NAME",
        panel=CONTENT,
        help="Which environment of a pixi workspace [default: default]",
    ),
    Option(
        "--category",
        sets="request.categories",
        metavar="NAME",
        multiple=True,
        panel=CONTENT,
        help="Which category of a conda-lock file; repeatable [default: main]",
    ),
    Option(
        "-n",
        "--name",
        sets="request.name",
        metavar="NAME",
        panel=CONTENT,
        help="The packages of an existing conda environment.",
    ),
    Option(
        "-p",
        "--prefix",
        sets="request.prefix",
        metavar="PATH",
        type=_FILE,
        panel=CONTENT,
        help="The packages of the existing conda environment in this folder.",
    ),
    Option(
        "-b",
        "--base",
        sets="request.base",
        metavar="REF",
        default=DEFAULT_BASE,
        show_default=True,
        convert=_base,
        panel=CONTENT,
        help="The image to build on: a name, any place that `copy` reads from, or `scratch`.",
    ),
    Option(
        "--platform",
        sets="request.platforms",
        metavar="OS/ARCH",
        multiple=True,
        convert=to_platforms,
        panel=CONTENT,
        help="Build for this platform, such as linux/arm64; several, repeated or separated by commas, make a "
        "multi-platform image [default: Linux on this machine's processor]",
    ),
    Option(
        "--add",
        sets="options.add",
        metavar="SRC:DST",
        multiple=True,
        convert=to_additions,
        panel=CONTENT,
        help="Add a file or folder at DST; repeatable.",
    ),
    Option(
        "--prefix-in-image",
        sets="options.prefix",
        metavar="PATH",
        convert=_image_path,
        panel=CONTENT,
        help="Where the environment lives in the image [default: /opt/conda]",
    ),
    Option(
        "--virtual-package",
        sets="request.virtual_packages",
        metavar="NAME=VERSION",
        multiple=True,
        panel=CONTENT,
        help="Assume this of the system that the image will run on, such as __cuda=12.4; repeatable.",
    ),
    Option(
        "-s",
        "--solver",
        sets="request.solver",
        metavar="PATH",
        panel=CONTENT,
        help="Solve with this conda, mamba or micromamba.",
    ),
    Option(
        "--conda-exe",
        sets="request.conda_exe",
        metavar="PATH",
        panel=CONTENT,
        help="Use the environments and configuration of this conda; it solves too, unless --solver is given.",
    ),
    Option(
        "--allow-sdist",
        sets="request.allow_sdist",
        is_flag=True,
        panel=CONTENT,
        help="Build pip packages that have no wheel from source; runs their build scripts on this machine.",
    ),
    Option(
        "--pip-may-replace",
        sets="request.pip_may_replace",
        is_flag=True,
        panel=CONTENT,
        help="Let a pip package replace what a conda package brings in another version.",
    ),
    Option(
        "-i",
        "--image",
        metavar="NAME[:TAG]",
        default=DEFAULT_IMAGE,
        show_default=True,
        convert=to_image_name,
        panel=RESULT,
        help="The name of the image.",
    ),
    Option(
        "-o",
        "--output",
        "outputs",
        metavar="DEST",
        multiple=True,
        convert=to_destinations,
        panel=RESULT,
        help="demo.tar, oci:DIR, oci-archive:PATH, docker-daemon: or docker://REF; repeatable.",
    ),
    Option("--push", is_flag=True, panel=RESULT, help="Push to the registry that --image names."),
    Option("--load", is_flag=True, panel=RESULT, help="Load into the local Docker or Podman."),
    Option(
        "--sbom",
        metavar="FORMAT",
        type=click.Choice(BILL_FORMATS),
        multiple=True,
        panel=RESULT,
        help="Attach a bill of materials, cyclonedx or spdx, to the image in a registry, an OCI layout or an OCI "
        "archive; repeatable.",
    ),
    Option(
        "--sbom-output",
        metavar="FILE",
        type=_FILE,
        multiple=True,
        panel=RESULT,
        help="Write the bill of materials to this file; once for each --sbom, in their order.",
    ),
    Option(
        "--dry-run",
        is_flag=True,
        panel=RESULT,
        help="Show what would be downloaded, made and sent, and write nothing.",
    ),
    Option(
        "--layering-strategy",
        sets="options.layering",
        metavar="STRATEGY",
        **_member_of(Layering),
        panel=LAYERS,
        help="layered: a layer for each package, up to --max-layers; single: one layer for all packages "
        f"[default: {DEFAULTS.layering}]",
    ),
    Option(
        "--max-layers",
        sets="options.max_layers",
        metavar="N",
        type=int,
        convert=_layer_count,
        panel=LAYERS,
        help=f"The most layers that the image may have, the base's included [default: {DEFAULTS.max_layers}]",
    ),
    Option(
        "--compression",
        sets="options.compression",
        metavar="KIND",
        **_member_of(Compression),
        panel=LAYERS,
        help=f"gzip, zstd or none [default: {DEFAULTS.compression}]",
    ),
    Option(
        "--compression-level",
        sets="options.compression_level",
        metavar="N",
        type=int,
        panel=LAYERS,
        help="1 to 12 for gzip, 1 to 22 for zstd.",
    ),
    Option(
        "--bytecode",
        sets="options.bytecode",
        metavar="WHEN",
        **_member_of(Bytecode),
        panel=LAYERS,
        help="Byte-compile noarch packages, as conda does: auto (where an interpreter can be found), always or never "
        f"[default: {DEFAULTS.bytecode}]",
    ),
    Option(
        "--trim/--no-trim",
        sets="options.trim",
        is_flag=True,
        panel=LAYERS,
        help="Leave out static libraries (*.a), which compilers need, and source maps (*.js.map).",
    ),
    Option(
        "--exclude",
        sets="options.exclude",
        metavar="PATTERN",
        multiple=True,
        convert=to_patterns,
        panel=LAYERS,
        help="Leave out files that match this pattern, as in .gitignore: *.pyi, share/doc, !share/doc/LICENSE; "
        "repeatable.",
    ),
    Option(
        "--env",
        sets="options.env",
        metavar="K=V",
        multiple=True,
        convert=to_mapping,
        panel=RUNTIME,
        help="Set an environment variable; repeatable.",
    ),
    Option(
        "--label",
        sets="options.labels",
        metavar="K=V",
        multiple=True,
        convert=to_mapping,
        panel=RUNTIME,
        help="Set a label; repeatable.",
    ),
    Option(
        "--entrypoint",
        sets="options.entrypoint",
        metavar="COMMAND",
        convert=to_command,
        panel=RUNTIME,
        help="The entrypoint: words as in a shell, or a JSON list.",
    ),
    Option(
        "--cmd",
        sets="options.cmd",
        metavar="COMMAND",
        convert=to_command,
        panel=RUNTIME,
        help="The default command, written in the same way.",
    ),
    Option(
        "--user",
        sets="options.user",
        metavar="USER[:GROUP]",
        panel=RUNTIME,
        help="Run as this user, by name or number, such as 1000 or 1000:100; one that the base image does not have is "
        "added, with a home folder.",
    ),
    Option(
        "--user-name",
        sets="options.user_name",
        metavar="NAME",
        panel=RUNTIME,
        help="The name of an added user [default: app].",
    ),
    Option("--home", sets="options.home", metavar="PATH", panel=RUNTIME, help="Its home folder [default: /home/NAME]."),
    Option("--workdir", sets="options.workdir", metavar="PATH", panel=RUNTIME, help="Start in this folder."),
    Option(
        "--expose",
        sets="options.expose",
        metavar="PORT",
        multiple=True,
        convert=to_ports,
        panel=RUNTIME,
        help="8080, 53/udp, 9000-9010, ...; repeatable.",
    ),
    Option(
        "--activate",
        sets="options.activate",
        metavar="HOW",
        **_member_of(Activate),
        panel=RUNTIME,
        help="What `conda activate` would set: auto (variables, and an entrypoint if packages bring scripts), "
        f"env (variables), entrypoint (both) or never [default: {DEFAULTS.activate}]",
    ),
    Option(
        "--link-scripts",
        sets="options.link_scripts",
        metavar="HOW",
        **_member_of(LinkScripts),
        panel=RUNTIME,
        help="What becomes of packages' post-link scripts: warn (they are named and not run), run (in a sandbox; what "
        f"they change becomes a layer) or refuse [default: {DEFAULTS.link_scripts}]",
    ),
    Option(
        "--link-scripts-network",
        sets="options.link_scripts_network",
        is_flag=True,
        panel=RUNTIME,
        help="Give link scripts a network.",
    ),
    Option(
        "--no-cache", sets="options.use_cache", is_flag=True, convert=_not, panel=CACHE, help="Build every layer anew."
    ),
    Option(
        "--cache-from",
        sets="options.cache_from",
        metavar="REPO",
        multiple=True,
        convert=to_repositories,
        envvar="CONDA_DOCKER_CACHE_FROM",
        panel=CACHE,
        help="Look for layers in this repository of a registry, such as ghcr.io/org/layers; repeatable.",
    ),
    Option(
        "--cache-to",
        sets="options.cache_to",
        metavar="REPO",
        multiple=True,
        convert=to_repositories,
        envvar="CONDA_DOCKER_CACHE_TO",
        panel=CACHE,
        help="Keep layers in this repository of a registry, for other machines; repeatable.",
    ),
    Option(
        "--verify-cache",
        sets="options.verify_cache",
        metavar="N%",
        convert=to_share,
        panel=CACHE,
        help="Make this share of the layers that --cache-from has anew, and compare.",
    ),
    Option(
        "--use-extracted",
        sets="options.use_extracted",
        is_flag=True,
        panel=CACHE,
        help="Read packages that conda or pixi extracted here instead of downloading archives; digests may differ.",
    ),
    Option(
        "--cache-dir",
        sets="options.cache_dir",
        metavar="DIR",
        type=_FILE,
        panel=CACHE,
        help="The folder of the layer cache.",
    ),
    Option(
        "--offline",
        sets="options.offline",
        is_flag=True,
        panel=CACHE,
        help="Use what is on this machine, and no network.",
    ),
    common.INSECURE,
    common.CACERT,
    common.JSON,
)
"""In the order of the help."""


def values_for(target: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `target` (`request` or `options`) that the command line sets, with their values.

    What was not given is left out, so that the default is the field's own.
    """
    fields = {}
    for option in OPTIONS:
        kind, _, field = option.sets.partition(".") if isinstance(option, Option) else ("", "", "")
        if kind == target and option.name is not None and given[option.name] is not None:
            fields[field] = given[option.name]
    return fields
