"""rebuild: make the layers of an image again, from what its history says alone, and compare them.

steps ── packages ──> make_layers ──┐
      └─ environment ──> own layer ─┴─ compare, layer by layer ──> RebuildReport
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from conda_docker.build_options import BuildOptions
from conda_docker.verification.base import BaseRegistry, base_variables, base_verdicts
from conda_docker.verification.environment import EnvironmentRebuild
from conda_docker.verification.report import LayerVerdict, RebuildReport
from conda_docker.verification.steps import read_steps, wanted_positions
from conda_docker.verification.unverified import left_out
from python_docker.argument_types import check_optional, check_type
from python_docker.image import Image
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from python_docker.transports.location import Location

_CONFIG_NOTE = (
    "the image's runtime config (environment variables, entrypoint, command, user, labels) is as the image says: no "
    "package determines it"
)


def rebuild(
    image: Image,
    *,
    packages: Collection[str] = (),
    options: BuildOptions | None = None,
    read_layers: bool = True,
    base: Location | None = None,
    base_registry: BaseRegistry | None = None,
    link_scripts: bool = False,
    progress: Progress = SILENT,
) -> RebuildReport:
    """Make the layers of an image again and compare them with those that it has.

    All that it takes is in the image: its history names every package by URL and hash, and says how its layers were
    made. `packages` are names of the packages whose layers are made again (none: all layers). Of `options`, the cache
    folder, `offline` and `workers` count; layers in the cache are not trusted but made anew. Without `read_layers` the
    image's own layers are not read: what differs in them is then not known, nor whether they have the digests that the
    manifest says.

    The base's layers are compared with those of the base image that the labels name, or that is at `base`;
    `base_registry` says how to talk to its registry. With `link_scripts`, those that ran in the build run again, in a
    sandbox: packages that the image names bring them, so the image decides what runs. Files that were added and what
    other programs put on top cannot be made again.

    Raises `NotFound` for an image that was not built by conda-docker, and for a name of no package in it, and
    `InvalidDocument` for a history with credentials in its URLs.

        report = rebuild(image, packages=["numpy"])
        assert report.ok
    """
    check_type("image", image, Image, "open_image opens one by its name")
    check_optional("options", options, BuildOptions)
    options = options or BuildOptions()
    steps, environments = read_steps(image)
    wanted = wanted_positions(steps, packages)
    verdicts: dict[int, LayerVerdict] = {}
    for environment in environments:
        rebuilding = EnvironmentRebuild(image, environment, options, read_layers, progress)
        verdicts |= rebuilding.verdicts(wanted, own=not packages)
        if link_scripts and not packages and environment.scripts is not None:
            # The labels name the base of the last build alone.
            below = partial(base_variables, image, steps, base_registry, base, options.offline)
            verdicts[environment.scripts.position] = rebuilding.scripts(below, last=environment is environments[-1])
    if not packages:
        verdicts |= base_verdicts(image, steps, base_registry, place=base, offline=options.offline, read=read_layers)
    if packages:
        verdicts = {position: replace(verdict, excusable=False) for position, verdict in verdicts.items()}
    return RebuildReport(
        tuple(
            verdicts.get(step.position) or left_out(step, asked=not packages or step.position in wanted)
            for step in steps
        ),
        (_CONFIG_NOTE,),
    )
