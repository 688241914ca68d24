"""Options that say what goes into the image: packages, where they come from, and what they are put on."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from conda_docker.arguments.in_image import to_additions, to_mode, to_user
from conda_docker.build_options import DEFAULT_BASE
from conda_docker.cli.options.arguments import to_platforms, to_source
from conda_docker.cli.parameters import Argument, FilePath, Option
from python_docker.errors import InvalidPath

PACKAGES = "Packages"
CONTENT = "What else goes into the image"

# As `conda_docker.request` has them, which takes too long to import for --help; a test compares.
CHANNEL_PRIORITIES = ("strict", "flexible", "disabled")
# As `conda_docker.environment.inputs.pip_installed` has them.
EDITABLE = ("copy", "refuse")

_FILE = FilePath()
_IMAGE = r"[a-z0-9][a-z0-9._/-]*:(?:latest|v?[0-9][\w.-]*)"
_VERSION = r"\d+(?:\.\d+)*"
_PYTHON = r"python(\d\.\d+)"
_ARCHIVE = r"\.(?:conda|tar\.bz2)(?:#[^/]*)?$"
_WHEEL_OF_PIP = r"(?:pip|pypi)::?([A-Za-z0-9._-]+).*"
_PROGRAM_FILE = r"\.(?:py|sh|ipynb|R)$"
_FILE_NAME = r"\.(?:ya?ml|toml|lock|txt|json)$"


def _image_path(name: str, text: str) -> str:
    if not text.startswith("/"):
        raise InvalidPath(f"the path must be absolute, not {text[:200]!r}")
    from python_docker.tar import contained_path

    return "/" + contained_path(text)


def _channels(name: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not text.strip():
            raise ValueError(f"{name}: {text!r} is not a channel; give a name such as conda-forge, a URL or a folder")
    return texts


def _virtual_packages(name: str, texts: Sequence[str]) -> tuple[str, ...]:
    if not texts:
        return ()
    from conda_docker.environment.virtual_packages import to_overrides

    return to_overrides(texts)


def base_location(name: str, text: str) -> str:
    """Return the name of a base, which must be a place unless it is `scratch`."""
    if text != "scratch":
        to_source(name, text)
    return text


def _specs(name: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return match specs. What other programs take in their place, and no package is called, is refused with a hint."""
    for text, before in zip(texts, ("python", *texts), strict=False):
        hint = _no_spec(text, before)
        if hint is not None:
            raise ValueError(f"{text!r} is not a package; did you mean {hint}?")
    return texts


def _no_spec(text: str, before: str) -> str | None:
    """Return what somebody means who gives `text` as a package after another; None where it may be one."""
    if re.fullmatch(_IMAGE, text):
        return f"--image {text}, or the package {text.replace(':', '=', 1)}"
    if re.fullmatch(_VERSION, text):
        return f"{before}={text}"
    if found := re.fullmatch(_PYTHON, text):
        return f"python={found[1]}"
    if found := re.fullmatch(_WHEEL_OF_PIP, text):
        return f"`- pip: [{found[1]}]` in an environment.yml"
    if re.search(_PROGRAM_FILE, text):
        return f"--add {text}:/srv/ (a file in the image), or a --cmd in quotes: --cmd 'python {text}'"
    if re.search(_FILE_NAME, text):
        return f"--file {text}"
    if re.search(_ARCHIVE, text):
        return None
    if text in (".", "..") or text.startswith(("./", "../", "/")):  # nothing of a channel is called so
        return f"--project {text} (a Python project) or --file (an environment.yml)"
    return None


CONTENT_OPTIONS = (
    Argument(
        "specs",
        metavar="SPEC",
        nargs=-1,
        convert=_specs,
        explanation="Packages, such as numpy, 'python=3.12' or bioconda::samtools.",
    ),
    Option(
        "-f",
        "--file",
        sets="request.files",
        metavar="PATH",
        type=_FILE,
        multiple=True,
        panel=PACKAGES,
        help="An environment.yml, a pixi manifest, a lock file or a list of packages; - is standard input; repeatable "
        "where packages are still chosen.",
    ),
    Option(
        "-n",
        "--name",
        sets="request.name",
        metavar="NAME",
        panel=PACKAGES,
        help="An existing conda environment: its packages, and its own files.",
    ),
    Option(
        "-p",
        "--prefix",
        sets="request.prefix",
        metavar="PATH",
        type=_FILE,
        panel=PACKAGES,
        help="The existing conda environment in this folder.",
    ),
    Option(
        "-c",
        "--channel",
        sets="request.channels",
        metavar="URL",
        multiple=True,
        convert=_channels,
        panel=PACKAGES,
        help="A channel by name or URL, searched before those of your conda configuration (without one: conda-forge); "
        "repeatable.",
    ),
    Option(
        "--override-channels",
        sets="request.override_channels",
        is_flag=True,
        panel=PACKAGES,
        help="Search only the channels given here.",
    ),
    Option(
        "--channel-priority",
        sets="request.channel_priority",
        metavar="HOW",
        type=click.Choice(CHANNEL_PRIORITIES),
        panel=PACKAGES,
        help="strict, flexible or disabled, as in conda [default: what your conda configuration says]",
    ),
    Option(
        "--environment",
        sets="request.environment",
        metavar="NAME",
        panel=PACKAGES,
        help="Which environment of a pixi workspace [default: default]",
    ),
    Option(
        "--category",
        sets="request.categories",
        metavar="NAME",
        multiple=True,
        panel=PACKAGES,
        help="Which category of a conda-lock file; repeatable [default: main]",
    ),
    Option(
        "--only-packages",
        sets="request.only_packages",
        is_flag=True,
        panel=PACKAGES,
        help="Leave out files of an existing environment that no package brings, and changes to those of packages.",
    ),
    Option(
        "--editable",
        sets="request.editable",
        metavar="HOW",
        type=click.Choice(EDITABLE),
        panel=PACKAGES,
        help="What to do with packages that pip installed in place: copy (their folder goes into the image) or refuse "
        "[default: copy]",
    ),
    Option(
        "--virtual-package",
        sets="request.virtual_packages",
        metavar="NAME=VERSION",
        multiple=True,
        convert=_virtual_packages,
        panel=PACKAGES,
        help="Assume this of the system that the image will run on, such as __cuda=12.4; repeatable.",
    ),
    Option(
        "-s",
        "--solver",
        sets="request.solver",
        metavar="PATH",
        panel=PACKAGES,
        help="Solve with this conda, mamba or micromamba.",
    ),
    Option(
        "--conda-exe",
        sets="request.conda_exe",
        metavar="PATH",
        panel=PACKAGES,
        help="Use the environments and configuration of this conda; it solves too, unless --solver is given.",
    ),
    Option(
        "--allow-sdist",
        sets="request.allow_sdist",
        is_flag=True,
        panel=PACKAGES,
        help="Build pip packages that have no wheel from source; runs their build scripts on this machine.",
    ),
    Option(
        "--pip-may-replace",
        sets="request.pip_may_replace",
        is_flag=True,
        panel=PACKAGES,
        help="Let a pip package replace what a conda package brings in another version.",
    ),
    Option(
        "-b",
        "--base",
        sets="request.base",
        metavar="REF",
        convert=base_location,
        panel=CONTENT,
        help="The image to build on: a name, any place that `copy` reads from, or `scratch` [default: that of a lock "
        f"file, else {DEFAULT_BASE}]",
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
        "--project",
        sets="request.projects",
        metavar="DIR",
        type=_FILE,
        multiple=True,
        panel=CONTENT,
        help="Build the project in this folder, which has a pyproject.toml, into a wheel with uv, and install it in a "
        "layer of its own on top of all others; repeatable.",
    ),
    Option(
        "--add",
        sets="options.add",
        metavar="SRC:DST",
        multiple=True,
        convert=to_additions,
        panel=CONTENT,
        help="Add a file or folder at DST, except what a .dockerignore in the folder excludes; repeatable.",
    ),
    Option(
        "--chown",
        sets="options.chown",
        metavar="USER[:GROUP]",
        convert=to_user,
        panel=CONTENT,
        help="The owner of the added files, by name in the image or by number [default: 0:0].",
    ),
    Option(
        "--chmod",
        sets="options.chmod",
        metavar="MODE",
        convert=to_mode,
        panel=CONTENT,
        help="The mode of the added files, such as 644; folders can be searched wherever they can be read.",
    ),
    Option(
        "--prefix-in-image",
        sets="options.prefix",
        metavar="PATH",
        convert=_image_path,
        panel=CONTENT,
        help="Where the environment lives in the image [default: /opt/conda, or /opt/conda/envs/NAME on a base that "
        "has one in /opt/conda]",
    ),
)
"""In the order of the help."""
