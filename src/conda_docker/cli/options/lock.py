"""The options of `conda-docker lock`: those of `build` that say what an image is, and its own."""

from __future__ import annotations

import click

from conda_docker.cli.options.attest import TRUST
from conda_docker.cli.options.build import DECLARED, OPTIONS
from conda_docker.cli.options.declarable import DECLARABLE, key_of
from conda_docker.cli.options.policy import POLICY
from conda_docker.cli.parameters import Argument, FilePath, Option

DEFAULT_FILE = "conda-docker.lock"
FORMATS = ("conda-docker", "pixi", "conda-lock")

LOCK_FILE = "The lock file"
_OF_BUILDS = frozenset(
    {
        "image",
        "tag",
        "label-from",
        "output",
        "metadata-file",
        "iidfile",
        "push",
        "load",
        "sbom",
        "sbom-output",
        "sbom-files",
        "dry-run",
        "no-cache",
        "cache-from",
        "cache-to",
        "cache-image",
        "verify-cache",
        "use-extracted",
        "json",
    }
)
_OF_MACHINES = frozenset({"cache-dir", "offline", "insecure", "cacert", "solver", "conda-exe"})

LOCKABLE = tuple(
    param
    for param in DECLARABLE
    if key_of(param) not in _OF_BUILDS and not (isinstance(param, Option) and param.panel == TRUST)
)
RECORDED = tuple(param for param in LOCKABLE if key_of(param) not in _OF_MACHINES)
"""What a lock file keeps of the options that it was made with."""
OF_IMAGES = tuple(
    param
    for param in RECORDED
    if isinstance(param, Option) and (param.sets.startswith("options.") or param.sets == "request.projects")
)
"""What `build -f` of a lock file takes from it, unless it is given."""

RULES = tuple(param for param in RECORDED if isinstance(param, Option) and param.panel == POLICY)
"""What `build -f` of a lock file obeys of it, whatever else is given."""
KEPT = (*(param for param in RECORDED if key_of(param) == "base"), *OF_IMAGES, *RULES)
"""What images depend on, and the lock files of other programs have no place for."""

LOCK_OPTIONS: tuple[Option | Argument, ...] = (
    *LOCKABLE,
    Option(
        "-o",
        "--output",
        "path",
        metavar="FILE",
        type=FilePath(),
        default=DEFAULT_FILE,
        show_default=True,
        panel=LOCK_FILE,
        help="The lock file.",
    ),
    Option(
        "--format",
        "form",
        metavar="FORM",
        type=click.Choice(FORMATS),
        panel=LOCK_FILE,
        help="conda-docker, which loses nothing, pixi (pixi.lock) or conda-lock (conda-lock.yml) [default: as the name "
        "of the file says]",
    ),
    Option(
        "--force",
        is_flag=True,
        panel=LOCK_FILE,
        help="Replace the file even if it is not such a lock file, or has other environments.",
    ),
    Option(
        "--check",
        is_flag=True,
        panel=LOCK_FILE,
        help="Write nothing, and fail unless the lock file is up to date with what it is made from.",
    ),
    Option(
        "--update",
        metavar="PACKAGE",
        multiple=True,
        panel=LOCK_FILE,
        help="Update this package, and keep the others where possible; repeatable.",
    ),
    *(param for param in OPTIONS if isinstance(param, Option) and param.panel == DECLARED),
)
