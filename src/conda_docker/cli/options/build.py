"""The options of `conda-docker build`, spelled for the help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

CONTENT = "What goes into the image"
RESULT = "Where the image goes"
LAYERS = "Layers"
RUNTIME = "What containers run with"
CACHE = "Cache and network"

DEFAULT_BASE = "debian:stable-slim"
DEFAULT_IMAGE = "conda-docker:latest"

Texts = list[str] | None

Specs = Annotated[
    Texts, typer.Argument(metavar="SPEC", help="Packages, such as numpy, 'python=3.12' or bioconda::samtools.")
]
Channels = Annotated[
    Texts,
    typer.Option(
        "-c",
        "--channel",
        metavar="URL",
        rich_help_panel=CONTENT,
        help="A channel by name or URL, searched before those of your conda configuration (without one: conda-forge); "
        "repeatable.",
    ),
]
OverrideChannels = Annotated[
    bool, typer.Option("--override-channels", rich_help_panel=CONTENT, help="Search the channels given here alone.")
]
File = Annotated[
    Path | None,
    typer.Option("-f", "--file", metavar="PATH", rich_help_panel=CONTENT, help="An environment.yml or @EXPLICIT list."),
]
Name = Annotated[
    str | None,
    typer.Option(
        "-n", "--name", metavar="NAME", rich_help_panel=CONTENT, help="The packages of a conda environment that exists."
    ),
]
Prefix = Annotated[
    Path | None,
    typer.Option("-p", "--prefix", metavar="PATH", rich_help_panel=CONTENT, help="The same, by its folder."),
]
Base = Annotated[
    str,
    typer.Option(
        "-b",
        "--base",
        metavar="REF",
        rich_help_panel=CONTENT,
        help="The image to build on: a name, any place that `copy` reads from, or `scratch`.",
    ),
]
Platforms = Annotated[
    Texts,
    typer.Option(
        "--platform",
        metavar="OS/ARCH",
        rich_help_panel=CONTENT,
        help="linux/amd64, linux/arm64, ...; several, repeated or with commas, make an index (else: Linux on this "
        "machine's processor).",
    ),
]
Add = Annotated[
    Texts,
    typer.Option(
        "--add", metavar="SRC:DST", rich_help_panel=CONTENT, help="A file or folder to put in at DST; repeatable."
    ),
]
PrefixInImage = Annotated[
    str | None,
    typer.Option(
        "--prefix-in-image",
        metavar="PATH",
        rich_help_panel=CONTENT,
        help="Where the environment lives in the image [default: /opt/conda]",
    ),
]
VirtualPackages = Annotated[
    Texts,
    typer.Option(
        "--virtual-package",
        metavar="NAME=VERSION",
        rich_help_panel=CONTENT,
        help="What to take for granted of the system that the image will run on, such as __cuda=12.4; repeatable.",
    ),
]
Solver = Annotated[
    str | None,
    typer.Option(
        "-s", "--solver", metavar="PATH", rich_help_panel=CONTENT, help="Solve with this conda, mamba or micromamba."
    ),
]
CondaExe = Annotated[
    str | None,
    typer.Option(
        "--conda-exe",
        metavar="PATH",
        rich_help_panel=CONTENT,
        help="The conda whose environments and configuration are meant; solves too, unless --solver is given.",
    ),
]

Image = Annotated[
    str,
    typer.Option("-i", "--image", metavar="NAME[:TAG]", rich_help_panel=RESULT, help="The name of the image."),
]
Outputs = Annotated[
    Texts,
    typer.Option(
        "-o",
        "--output",
        metavar="DEST",
        rich_help_panel=RESULT,
        help="demo.tar, oci:DIR, oci-archive:PATH, docker-daemon: or docker://REF; repeatable.",
    ),
]
Push = Annotated[bool, typer.Option("--push", rich_help_panel=RESULT, help="Push to the registry that --image names.")]
Load = Annotated[bool, typer.Option("--load", rich_help_panel=RESULT, help="Load into the local Docker or Podman.")]

LayeringStrategy = Annotated[
    Literal["layered", "single"],
    typer.Option(
        "--layering-strategy",
        metavar="STRATEGY",
        rich_help_panel=LAYERS,
        help="layered: a layer for each package, as far as they go; single: one for all.",
    ),
]
MaxLayers = Annotated[
    int,
    typer.Option(
        "--max-layers", metavar="N", min=1, max=125, rich_help_panel=LAYERS, help="Layers at most, the base's included."
    ),
]
CompressionKind = Annotated[
    Literal["gzip", "zstd", "none"],
    typer.Option("--compression", metavar="KIND", rich_help_panel=LAYERS, help="gzip, zstd or none."),
]
CompressionLevel = Annotated[
    int | None,
    typer.Option(
        "--compression-level", metavar="N", rich_help_panel=LAYERS, help="1 to 12 for gzip, 1 to 22 for zstd."
    ),
]
BytecodeMode = Annotated[
    Literal["auto", "always", "never"],
    typer.Option(
        "--bytecode",
        metavar="WHEN",
        rich_help_panel=LAYERS,
        help="Byte-compile noarch packages, as conda does: auto (where an interpreter can be found), always or never.",
    ),
]
NoTrim = Annotated[
    bool,
    typer.Option("--no-trim", rich_help_panel=LAYERS, help="Keep static libraries (*.a) and source maps (*.js.map)."),
]
Exclude = Annotated[
    Texts,
    typer.Option("--exclude", metavar="GLOB", rich_help_panel=LAYERS, help="Leave out files of packages; repeatable."),
]

Env = Annotated[
    Texts, typer.Option("--env", metavar="K=V", rich_help_panel=RUNTIME, help="An environment variable; repeatable.")
]
Label = Annotated[Texts, typer.Option("--label", metavar="K=V", rich_help_panel=RUNTIME, help="A label; repeatable.")]
Entrypoint = Annotated[
    str | None,
    typer.Option(
        "--entrypoint", metavar="COMMAND", rich_help_panel=RUNTIME, help="Words as in a shell, or a JSON list."
    ),
]
Cmd = Annotated[
    str | None, typer.Option("--cmd", metavar="COMMAND", rich_help_panel=RUNTIME, help="The same, for the command.")
]
User = Annotated[
    str | None, typer.Option("--user", metavar="NAME", rich_help_panel=RUNTIME, help="A user, by name or number.")
]
Workdir = Annotated[
    str | None, typer.Option("--workdir", metavar="PATH", rich_help_panel=RUNTIME, help="The folder to start in.")
]
Expose = Annotated[
    Texts, typer.Option("--expose", metavar="PORT", rich_help_panel=RUNTIME, help="8080, 53/udp, ...; repeatable.")
]
ActivateMode = Annotated[
    Literal["auto", "env", "entrypoint", "never"],
    typer.Option(
        "--activate",
        metavar="HOW",
        rich_help_panel=RUNTIME,
        help="What `conda activate` would set: auto (variables, and an entrypoint if packages bring scripts), "
        "env (variables), entrypoint (both), never.",
    ),
]

NoCache = Annotated[bool, typer.Option("--no-cache", rich_help_panel=CACHE, help="Build all layers anew.")]
UseExtracted = Annotated[
    bool,
    typer.Option(
        "--use-extracted",
        rich_help_panel=CACHE,
        help="Read packages that conda or pixi extracted here, rather than download archives; digests may differ.",
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option("--cache-dir", metavar="DIR", rich_help_panel=CACHE, help="The folder of the layer cache."),
]
Offline = Annotated[
    bool, typer.Option("--offline", rich_help_panel=CACHE, help="Use what is on this machine, and no network.")
]
