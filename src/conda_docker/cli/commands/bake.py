"""`conda-docker bake`: many images at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.arguments.listing import first_of
from conda_docker.cli.exit_codes import ExitCode, exit_code_of
from conda_docker.cli.options.asked.destinations import check_apart, check_file, check_kept
from conda_docker.cli.options.bake import OPTIONS
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.display import open_display
from conda_docker.cli.terminal.output import Output

if TYPE_CHECKING:
    from conda_docker.attestation.bill_writer import BillWriter
    from conda_docker.baking.result import BakeResult, TargetResult
    from conda_docker.baking.targets.target import Finishing, Target
    from conda_docker.cli.options.asked.build import AskedBuild
    from conda_docker.image.index import Attachments as AttachedToImages
    from conda_docker.image.result import BuildResult
    from python_docker.signing.keys import SigningKey
    from python_docker.spec.documents.manifest import Index, Manifest
    from python_docker.transports import Location

_EXAMPLES = """
# Every environment.yml below a folder, into a registry
conda-docker bake modules/ -b debian:stable-slim -i 'ghcr.io/org/{name}:{tag}' --push
# The images that conda-docker.toml declares, some of them
conda-docker bake --only 'gpu-*'
# For several Pythons, an OCI layout each
conda-docker bake envs/ --matrix python=3.11,3.12 -o images
# What they have in common, and what would be made
conda-docker bake 'modules/*/environment.yml' --dry-run
# Every night in CI: only what has changed
conda-docker bake modules/ --push -i 'ghcr.io/org/{name}' --since d.json --metadata-file d.json
# On the workers of a Dask cluster
conda-docker bake --scheduler tcp://host:8786 --cache-to ghcr.io/org/layers
"""


@command(*OPTIONS, examples=_EXAMPLES)
@click.pass_context
def bake(ctx: click.Context, /, console: Output, **given: Any) -> int | None:
    """Build many images at once, and what they have in common once.

    The images are described by folders of environments, or declared in a file, each in one or more variants. What they
    have in common is solved, downloaded, made and sent once, and an image that fails does not stop the others. The
    options of `build` apply to each. The exit code is 0 if every image was built, that of the failures if all failed in
    the same way, and 1 otherwise.
    """
    if given["print_dask_worker"]:
        from conda_docker.baking.cluster.worker_command import worker_command

        console.result(worker_command(given["scheduler"]))
        return None
    from conda_docker.baking.bake import bake as bake_targets
    from conda_docker.baking.running import interrupted_result
    from conda_docker.baking.since import metadata_entries, read_since
    from conda_docker.baking.targets.target import check_targets
    from conda_docker.cli.declared.bake import targets_of

    for path in filter(None, (given["junit"], given["metadata_file"])):
        check_file(path)
    # A job that keeps its own record has none the first time.
    first = given["since"] is None or (given["since"] == given["metadata_file"] and not given["since"].exists())
    since = {} if first else read_since(given["since"])
    keys: dict[Path, SigningKey] = {}
    builds: list[AskedBuild] = []

    def finishing(asked: AskedBuild) -> Finishing | None:
        builds.append(asked)
        return _Finishing.of(asked, keys)

    targets = targets_of(ctx, given, finishing)
    check_targets(targets)
    outputs = list(_outputs(given, zip(targets, builds, strict=True)))
    check_apart(outputs)
    check_kept(outputs, _inputs(given, targets, builds))
    for note in dict.fromkeys(note for asked in builds for note in asked.notes()):
        console.note(f"note: {note}")
    if given["dry_run"]:
        return _dry_run(console, targets, given)
    # Read before, so that a failure loses nothing of it.
    kept = {} if first or given["since"] != given["metadata_file"] else metadata_entries(given["since"])
    ended: list[TargetResult] = []
    begun = time.monotonic()
    try:
        with open_display(console) as progress:
            result = bake_targets(
                targets,
                jobs=given["jobs"],
                memory=given["memory"],
                disk=given["disk"],
                fail_fast=given["fail_fast"],
                since=since,
                scheduler=given["scheduler"],
                progress=progress,
                done=ended.append,
            )
    except BaseException:
        # Images that are at their places by now are known to whoever goes on from here.
        if ended:
            _report(console, interrupted_result(targets, ended, time.monotonic() - begun), given, kept)
        raise
    return _report(console, result, given, kept)


def _outputs(
    given: Mapping[str, Any], builds: Iterable[tuple[Target, AskedBuild]]
) -> Iterator[tuple[str, Location | Path]]:
    """Yield what a bake writes, each with the option that asks for it: the files of all, and those of each image."""
    for option in ("junit", "metadata_file"):
        if given[option] is not None:
            yield f"--{option.replace('_', '-')} {given[option]}", given[option]
    for target, asked in builds:
        for option, place in asked.outputs():
            yield f"{target.name}: {option}", place


def _inputs(
    given: Mapping[str, Any], targets: Iterable[Target], builds: Iterable[AskedBuild]
) -> Iterator[tuple[str, Location | Path]]:
    """Yield the files that a bake reads, each with what names it. What it did before may be written anew."""
    if given["since"] is not None and given["since"] != given["metadata_file"]:
        yield f"--since {given['since']}", given["since"]
    for target in targets:
        if target.source:
            yield f"{target.source}, which says what {target.name} is", Path(target.source)
    for asked in builds:
        for option, place in asked.inputs():
            if isinstance(place, Path):  # one image may well be on top of another
                yield option, place


def _report(
    console: Output, result: BakeResult, given: Mapping[str, Any], kept: Mapping[str, Mapping[str, str]]
) -> int | None:
    from conda_docker.cli.terminal.reports.bake import bake_report, bake_summary, write_junit, write_metadata

    if given["junit"] is not None:
        write_junit(result, given["junit"])
    if given["metadata_file"] is not None:
        write_metadata(result, given["metadata_file"], kept)
    for note, names in _by_text((each.name, note) for each in result.targets for note in each.notes).items():
        console.note(f"note: {names}: {note}")
    if given["json"]:
        console.json(bake_report(result))
    elif console.quiet:
        for each in result.targets:
            if each.digest is not None:
                console.result(f"{each.name} {each.digest}")
    else:
        console.result(bake_summary(result))
    for error, names in _by_text((each.name, str(each.error)) for each in result.targets if each.error).items():
        console.error(f"{names}: {error}")
    return exit_code(result)


def _by_text(said: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return each text once, with the images that it is about; `said` are names of images with what is said of them."""
    found: dict[str, list[str]] = {}
    for name, text in said:
        found.setdefault(text, []).append(name)
    return {text: first_of(names, 3) for text, names in found.items()}


def exit_code(result: BakeResult) -> int | None:
    """Return the exit code of a bake; see its help."""
    codes = {exit_code_of(each.error) for each in result.targets if each.error is not None}
    if not codes:
        return ExitCode.FAILED if result.failed else None
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED


def _dry_run(console: Output, targets: Sequence[Target], given: Mapping[str, Any]) -> int | None:
    from conda_docker.baking.preview import preview
    from conda_docker.cli.terminal.reports.bake import preview_report, preview_summary

    with open_display(console) as progress:
        found = preview(targets, jobs=given["jobs"], memory=given["memory"], progress=progress)
    if given["json"]:
        console.json(preview_report(found))
    else:
        console.result(preview_summary(found))
    for error, names in _by_text((each.name, str(each.error)) for each in found.failed).items():
        console.error(f"{names}: {error}")
    codes = {exit_code_of(each.error) for each in found.failed if each.error is not None}
    return None if not codes else codes.pop() if len(codes) == 1 else ExitCode.FAILED


class _Finishing:
    """Bills of materials, provenance and signatures of one image, and the files with its digest, as options ask."""

    def __init__(self, asked: AskedBuild, key: SigningKey | None) -> None:
        from conda_docker.cli.options.asked.attachments import Attachments

        self._asked = asked
        self._attachments = Attachments(asked.request, asked.given, key=key)
        self._writer: BillWriter | None = None

    @classmethod
    def of(cls, asked: AskedBuild, keys: dict[Path, SigningKey]) -> Finishing | None:
        """Return what else goes with an image, None for nothing; `keys` are those that have been read."""
        from conda_docker.cli.options import attest

        files = asked.given["metadata_file"] or asked.given["iidfile"]
        if not asked.bills and not attest.asked(asked.given) and not files:
            return None
        path = asked.given["sign_key"]
        if path is not None and path not in keys:
            keys[path] = attest.read_private_key(path)  # which may ask for a password
        return cls(asked, keys.get(path))

    def attachments(self, results: Sequence[BuildResult]) -> AttachedToImages | None:
        """Return what is attached to the images."""
        from conda_docker.attestation.bill_writer import BillWriter

        asked, found = self._asked, list(results)
        if asked.bills:
            self._writer = BillWriter(asked.bills, found, asked.request.options, list_files=asked.given["sbom_files"])
        return self._attachments.of(found, self._writer, None)

    def written(self, written: Mapping[Location, Manifest | Index]) -> None:
        """Write what is kept next to the image."""
        from conda_docker.cli.terminal.reports.result_files import write_result_files

        given = self._asked.given
        if self._writer is not None:
            kept = [place for place in written if place.medium.keeps_manifest] or list(written)
            self._writer.write_files(written[kept[0]])
        for location, manifest in written.items():
            self._attachments.write_tags(location, manifest)
        write_result_files(given["metadata_file"], given["iidfile"], self._asked.names, written)
