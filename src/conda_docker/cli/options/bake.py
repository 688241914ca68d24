"""The options of `conda-docker bake`: those of `build` that make sense for many images, and its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conda_docker.arguments.amounts import to_size
from conda_docker.cli.options import attest, build, policy
from conda_docker.cli.options.build import RESULT
from conda_docker.cli.options.order import in_order
from conda_docker.cli.parameters import Argument, FilePath, Option

CHOICE = "Which images"
WORK = "How the work is done"
REPORTS = "Reports"

NAME = "{name}:{tag}"
"""What images are called unless it is said."""

_FILE = FilePath()

# Of one environment or one image alone, or replaced by options of the same name here.
_OF_ONE = {
    "specs": (),
    "file": (),
    "name": None,
    "prefix": None,
    "only_packages": False,
    "editable": None,
    "image": None,
    "tags": (),
    "outputs": (),
    "push": False,
    "load": False,
    "dry_run": False,
    "json": False,
    "sbom_output": (),
    "metadata_file": None,
    "iidfile": None,
    "target": (),
    "no_config": False,
}


_OWN = frozenset(
    {
        *("inputs", "only", "matrix", "since", "jobs", "memory", "disk", "fail_fast", "scheduler"),
        *("print_dask_worker", "junit"),
    }
)
"""Of a bake as a whole."""


def _bytes(name: str, text: str) -> int:
    return _at_least_one(name, to_size(name, text))


def _at_least_one(name: str, number: int) -> int:
    if number < 1:
        raise ValueError(f"{name} must be at least 1, not {number}")
    return number


def _matrix(name: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    from conda_docker.baking.targets.variants import read_matrix

    try:
        read_matrix(texts)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return texts


def _shared(option: Option | Argument) -> bool:
    return isinstance(option, Option) and option.name not in _OF_ONE


INPUTS = Argument(
    "inputs",
    metavar="FILE|FOLDER|GLOB",
    nargs=-1,
    explanation="Files that describe environments, folders of such files, quoted patterns, or a conda-docker.toml "
    "with several images [default: what conda-docker.toml, pixi.toml or pyproject.toml declares here]",
)

OPTIONS = (
    INPUTS,
    Option(
        "--only",
        metavar="NAME",
        multiple=True,
        panel=CHOICE,
        help="Build only images with this name, or that match a pattern such as 'samtools-*'; repeatable.",
    ),
    Option(
        "--matrix",
        metavar="KEY=A,B",
        multiple=True,
        convert=_matrix,
        panel=CHOICE,
        help="Build each image once for every value: python=3.11,3.12, platform=linux/amd64,linux/arm64 or "
        "base=IMAGE,IMAGE; several make all combinations.",
    ),
    Option(
        "--since",
        metavar="FILE",
        type=_FILE,
        panel=CHOICE,
        help="Build only what differs from an earlier bake: its --json report, its metadata file, or a JSON object of "
        "digests by names.",
    ),
    Option(
        "-i",
        "--image",
        metavar="TEMPLATE",
        panel=RESULT,
        help="The name of each image, such as 'ghcr.io/org/{name}:{tag}'; {tag} distinguishes variants of a matrix, "
        "and is latest without; {content} is a digest of what describes the environment [default: as declared, else "
        f"{NAME}]",
    ),
    Option(
        "-t",
        "--tag",
        "tags",
        metavar="TEMPLATE",
        multiple=True,
        panel=RESULT,
        help="Another name of each image, as a template; repeatable.",
    ),
    Option(
        "-o",
        "--output",
        "outputs",
        metavar="DIR",
        multiple=True,
        panel=RESULT,
        help="A folder that gets an OCI layout for each image, or a place with {name} in it, such as "
        "'images/{name}.tar'; repeatable.",
    ),
    Option("--push", is_flag=True, panel=RESULT, help="Push to the registries that the names are in."),
    Option("--load", is_flag=True, panel=RESULT, help="Load into the local Docker or Podman."),
    Option(
        "--dry-run",
        is_flag=True,
        panel=RESULT,
        help="Show which packages and layers the images have in common, and what would be downloaded and made.",
    ),
    Option(
        "-j",
        "--jobs",
        metavar="N",
        type=int,
        convert=_at_least_one,
        panel=WORK,
        help="How many environments are solved at once, and layers and images made [default: one for each processor]",
    ),
    Option(
        "--memory",
        metavar="SIZE",
        convert=_bytes,
        panel=WORK,
        help="Do less at once where it would take more memory than this, such as 4GB.",
    ),
    Option(
        "--disk",
        metavar="SIZE",
        convert=_bytes,
        panel=WORK,
        help="Let the cache grow by no more than this, such as 20GB: do less at once, and remove those packages and "
        "layers of this bake that no image needs any more.",
    ),
    Option("--fail-fast", is_flag=True, panel=WORK, help="Stop at the first image that fails."),
    Option(
        "--scheduler",
        metavar="ADDRESS",
        panel=WORK,
        help="Make layers and images on the workers of this Dask scheduler, such as tcp://host:8786; config: the one "
        "that Dask's configuration names. Needs --cache-to.",
    ),
    Option(
        "--print-dask-worker",
        is_flag=True,
        panel=WORK,
        help="Show how a Dask worker for this program is started, and exit.",
    ),
    Option("--json", is_flag=True, panel=REPORTS, help="Print a machine-readable report."),
    Option(
        "--junit",
        metavar="FILE",
        type=_FILE,
        panel=REPORTS,
        help="Write a report in JUnit's XML, as CI systems show it.",
    ),
    Option(
        "--metadata-file",
        "metadata_file",
        metavar="FILE",
        type=_FILE,
        panel=REPORTS,
        help="Write the digests by the names of the images to this file, as `docker buildx bake` does.",
    ),
    *in_order(option for option in (*build.OPTIONS, *policy.OPTIONS, *attest.OPTIONS) if _shared(option)),
)
"""In the order of the help."""


def values_of_one(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that all images have in common, with those of `build` that this command does not have."""
    return {**{key: value for key, value in given.items() if key not in _OWN}, **_OF_ONE}
