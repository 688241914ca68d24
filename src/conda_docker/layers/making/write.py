"""write_layer: packages linked one after another into a tar, which is compressed and hashed on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from conda_docker.layers.clobbers import find_losses, folders_of
from conda_docker.layers.facts import LayerFacts, path_hash
from conda_docker.layers.making.opened import open_member
from conda_docker.layers.member import NO_LOSS, Loss
from conda_docker.link.bytecode.python_program import cache_tag
from conda_docker.package.archive import UnsurveyedPackage
from conda_docker.package.conda_format import PackageFile
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.streams.growing import GrowingFile

if TYPE_CHECKING:
    from conda_docker.layers.linked_folders import Moves
    from conda_docker.layers.making.opened import Opened
    from conda_docker.layers.member import Losses, Member
    from conda_docker.layers.recipe import Recipe
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.link.report import LinkReport
    from python_docker.image.blob_store import BlobWriter


def write_layer(
    recipe: Recipe,
    members: Sequence[Member],
    paths: Sequence[PackageFile],
    new_writer: Callable[[], BlobWriter],
    *,
    compiler: Compiler | None = None,
    lost: Losses | None = None,
    advance: Callable[[int], object] | None = None,
    expect: Callable[[int], object] | None = None,
) -> tuple[Layer, LayerFacts]:
    """Write the layer of `members`, whose archives, folders or wheels are `paths`, in their order.

    `compiler` is of the recipe's Python, and there when the recipe compiles for these packages. `lost` are the paths
    that packages lose to others of the environment; a path that several of these bring is the last one's.
    `advance` is called with the numbers of bytes of tar that were written, and `expect` before with how many they will
    be, about, where packages say that. Packages that are still being
    downloaded are read as they come, and the layer is kept when they are found to be right.

    Raises `InvalidPackage`, `Abandoned` for a package that is not what was to come, and `ValueError` for another
    compiler than the recipe's.
    """
    if recipe.compiles(members) and (compiler is None or compiler.python.version != recipe.bytecode):
        raise ValueError(f"{compiler!r} is not the compiler of the recipe, Python {recipe.bytecode}")
    opened = [open_member(*pair) for pair in zip(members, paths, strict=True)]
    sizes = [package.size for package in opened]
    if expect is not None and all(sizes):
        expect(sum(sizes))
    without, clobbered = _without(recipe, members, opened, lost or {})
    for _ in opened:
        try:
            layer, reports = _write(recipe, members, paths, opened, without, new_writer, compiler, advance)
            break
        except UnsurveyedPackage as error:
            # Rare: some old archives must be read twice.
            error.package.survey()
    else:
        layer, reports = _write(recipe, members, paths, opened, without, new_writer, compiler, advance)
    return layer, _facts(members, reports, clobbered=clobbered)


def layer_paths(recipe: Recipe, opened: Opened, moved: Moves | None = None) -> list[str]:
    """Return the paths, relative to the prefix, that a package comes to, with folders that are `moved`."""
    tag = None if recipe.bytecode is None else cache_tag(recipe.bytecode)
    return opened.paths(recipe.prefix_in_image, filter=recipe.filter, tag=tag, moved=moved)


def _without(
    recipe: Recipe, members: Sequence[Member], opened: Sequence[Opened], lost: Losses
) -> tuple[list[Loss], bool]:
    """Return what each package is written without, and whether some path is in several of these packages."""
    known = [lost.get(member.stem, NO_LOSS) for member in members]
    if len(opened) == 1:
        return known, False
    paths = [layer_paths(recipe, package, loss.moved) for package, loss in zip(opened, known, strict=True)]
    kept = [[path for path in own if path not in loss.without] for own, loss in zip(paths, known, strict=True)]
    found = find_losses(kept)
    return [Loss(loss.without | more, loss.moved) for loss, more in zip(known, found, strict=True)], any(found)


def _write(
    recipe: Recipe,
    members: Sequence[Member],
    paths: Sequence[PackageFile],
    opened: Sequence[Opened],
    losses: Sequence[Loss],
    new_writer: Callable[[], BlobWriter],
    compiler: Compiler | None,
    advance: Callable[[int], object] | None,
) -> tuple[Layer, list[LinkReport]]:
    reports: list[LinkReport] = []
    compiler = compiler if recipe.compiles(members) else None
    prefix, filter = recipe.prefix_in_image, recipe.filter
    with build_layer(new_writer(), recipe.compression, recipe.level, advance=advance) as builder:
        for package, loss in zip(opened, losses, strict=True):
            linked = package.link(prefix, filter=filter, compiler=compiler, loss=loss)
            for entry, content in linked:
                builder.add(entry, content)
            reports.append(linked.report)
        for path in paths:
            if isinstance(path, GrowingFile):
                path.wait()
    assert builder.layer is not None
    return builder.layer, reports


def _facts(members: Sequence[Member], reports: Sequence[LinkReport], *, clobbered: bool) -> LayerFacts:
    paths = [path for report in reports for path in report.paths]
    return LayerFacts(
        packages=tuple(member.stem for member in members),
        post_link=tuple(member.name for member, report in zip(members, reports, strict=True) if report.post_link),
        pre_link=tuple(member.name for member, report in zip(members, reports, strict=True) if report.pre_link),
        activate=tuple(path for report in reports for path in report.activate),
        variables={name: fields for report in reports for name, fields in report.variables.items()},
        trimmed_files=sum(report.trimmed_files for report in reports),
        trimmed_bytes=sum(report.trimmed_bytes for report in reports),
        uncompiled=tuple(path for report in reports for path in sorted(report.uncompiled)),
        clobbered=clobbered,
        programs=any(report.programs for report in reports),
        notes=tuple(note for report in reports for note in report.notes),
        paths=frozenset(map(path_hash, paths)),
        folders=frozenset(map(path_hash, folders_of(paths))),
        stated={
            member.stem: dict(report.stated) for member, report in zip(members, reports, strict=True) if report.stated
        },
    )
