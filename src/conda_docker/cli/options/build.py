"""The options of `conda-docker build`, as data: each row says what it sets, and where and how the help shows it.

A new option is a field of `Request` or `BuildOptions`, a row here, in `content` or in `runtime`, and a line of
documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from conda_docker.arguments.values import BILL_FORMATS, to_patterns
from conda_docker.build_options import (
    BuildOptions,
    Bytecode,
    Layering,
    to_repositories,
    to_share,
)
from conda_docker.cli.options import common
from conda_docker.cli.options.arguments import to_destinations, to_image_name, to_image_names
from conda_docker.cli.options.content import CONTENT_OPTIONS
from conda_docker.cli.options.runtime import RUNTIME_OPTIONS
from conda_docker.cli.parameters import FilePath, Option
from python_docker.spec.limits import MAX_LAYERS
from python_docker.streams.compression import WRITTEN, Compression

if TYPE_CHECKING:
    from python_docker.spec.reference import ImageReference

RESULT = "Where the image goes"
LAYERS = "Layers"
CACHE = "Cache and network"
DECLARED = "Declared in conda-docker.toml, pixi.toml or pyproject.toml"

DEFAULT_IMAGE = "conda-docker:latest"

DEFAULTS = BuildOptions()
_FILE = FilePath()


def _not(name: str, given: bool) -> bool | None:
    """Return False when the flag that turns something off was given, else None: the default."""
    return False if given else None


def _layer_count(name: str, number: int) -> int:
    if not 2 <= number <= MAX_LAYERS:
        raise ValueError(f"{name} must be from 2 to {MAX_LAYERS}, not {number}")
    return number


OPTIONS = (
    *CONTENT_OPTIONS,
    Option(
        "-i",
        "--image",
        metavar="NAME[:TAG]",
        convert=to_image_name,
        panel=RESULT,
        help=f"The name of the image [default: {DEFAULT_IMAGE}]",
    ),
    Option(
        "-t",
        "--tag",
        "tags",
        metavar="NAME[:TAG]",
        multiple=True,
        convert=to_image_names,
        panel=RESULT,
        help="Another name, pushed, loaded and in Docker archives; repeatable. Without --image, the first is its name.",
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
        panel=common.BILLS,
        help="Attach a bill of materials, cyclonedx or spdx, to the image in a registry, an OCI layout or an OCI "
        "archive; repeatable.",
    ),
    Option(
        "--sbom-output",
        metavar="FILE",
        type=_FILE,
        multiple=True,
        panel=common.BILLS,
        help="Write the bill of materials to this file; once for each --sbom, in their order.",
    ),
    Option(
        "--sbom-in-image",
        sets="options.sbom_in_image",
        metavar="FORMAT",
        type=click.Choice(BILL_FORMATS),
        multiple=True,
        panel=common.BILLS,
        help="Put a bill of materials, cyclonedx or spdx, into the image as a file in /usr/share/sbom, for scanners "
        "that read nothing else; repeatable.",
    ),
    Option(
        "--metadata-file",
        metavar="FILE",
        type=_FILE,
        panel=RESULT,
        help="Write digests and names to this file, as `docker buildx build` does.",
    ),
    Option(
        "--iidfile",
        metavar="FILE",
        type=_FILE,
        panel=RESULT,
        help="Write the image's ID to this file; for several platforms, the digest of the index.",
    ),
    Option(
        "--dry-run",
        is_flag=True,
        panel=RESULT,
        help="Show what would be downloaded, made and sent, and write nothing.",
    ),
    Option("--json", is_flag=True, panel=RESULT, help="Print a machine-readable report."),
    Option(
        "--layering-strategy",
        sets="options.layering",
        metavar="STRATEGY",
        **common.member_of(Layering),
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
        **common.member_of(Compression, among=WRITTEN),
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
        **common.member_of(Bytecode),
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
    *RUNTIME_OPTIONS,
    Option(
        "--no-cache", sets="options.use_cache", is_flag=True, convert=_not, panel=CACHE, help="Rebuild every layer."
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
        "--cache-image",
        is_flag=True,
        envvar="CONDA_DOCKER_CACHE_IMAGE",
        panel=CACHE,
        help="Reuse layers of the image that this one replaces, and attach to it what the next build needs for that.",
    ),
    Option(
        "--verify-cache",
        sets="options.verify_cache",
        metavar="N%",
        convert=to_share,
        panel=CACHE,
        help="Rebuild this share of the layers found by --cache-from or --cache-image, and compare.",
    ),
    Option(
        "--use-extracted",
        sets="options.use_extracted",
        is_flag=True,
        panel=CACHE,
        help="Read packages that conda, pixi or uv extracted here instead of downloading archives; digests may differ.",
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
        help="Read nothing from a network; what --push and --cache-to name is still written to.",
    ),
    common.INSECURE,
    common.CACERT,
    Option(
        "--target",
        metavar="NAME",
        multiple=True,
        panel=DECLARED,
        help="Build this one of the images that the file declares; repeatable [default: all]",
    ),
    Option("--no-config", is_flag=True, panel=DECLARED, help="Take no options from a file."),
)
"""The order of the help is for `order`, which puts those of other modules between them."""


def image_names(given: Mapping[str, Any]) -> tuple[ImageReference, ...]:
    """Return the names of the image, each once; the first is its own."""
    own = (given["image"],) if given["image"] is not None else given["tags"][:1]
    own = own or (to_image_name("--image", DEFAULT_IMAGE),)
    return tuple(dict.fromkeys((*own, *given["tags"])))


def values_for(target: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `target` (`request` or `options`) that the command line sets, with their values.

    What was not given is left out, so that the default is the field's own.
    """
    fields = {}
    for option in OPTIONS:
        kind, _, field = option.sets.partition(".") if isinstance(option, Option) else ("", "", "")
        if kind == target and option.name is not None and given.get(option.name) is not None:
            fields[field] = given[option.name]
    return fields
