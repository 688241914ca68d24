"""What a build is asked for, from the values of its options: checked, before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from conda_docker.build_options import DEFAULT_BASE
from conda_docker.cli.options import attest, policy
from conda_docker.cli.options.arguments import to_source
from conda_docker.cli.options.asked.attachments import bills_of, check_attachable
from conda_docker.cli.options.asked.destinations import (
    check_apart,
    check_file,
    check_kept,
    layer_repositories,
    locations_of,
    registry_of,
)
from conda_docker.cli.options.build import DEFAULTS, image_names, values_for
from conda_docker.cli.options.common import check_level
from conda_docker.cli.options.registries import check_bundle
from conda_docker.errors import InvalidEnvironment, InvalidPolicy, MissingOption
from python_docker.errors import InvalidPath, InvalidVariable
from python_docker.spec.timestamps import source_date_epoch

if TYPE_CHECKING:
    from conda_docker.request import Request
    from conda_docker.sbom.document import BillFormat
    from python_docker.spec.reference import ImageReference
    from python_docker.transports import Location


class AskedBuild(NamedTuple):
    """One build: its request, the names of the image, the places that it goes to, and what is attached to it there.

    `given` are the values that it comes from, with what is remembered of where blobs were pushed.
    """

    request: Request
    names: tuple[ImageReference, ...]
    locations: list[Location]
    bills: dict[BillFormat, Path | None]
    index_annotations: Mapping[str, str]
    given: Mapping[str, Any]

    def outputs(self) -> Iterator[tuple[str, Location | Path]]:
        """Yield what is written, each with the option that asks for it."""
        return outputs_of(self.locations, self.given)

    def inputs(self) -> Iterator[tuple[str, Location | Path]]:
        """Yield what is read of this machine, each with the option that names it.

        Files that others name are among it where a file that is there would be written: these others must be read.
        """
        from conda_docker.cli.options.asked.inputs import inputs_of, named_inputs

        yield from inputs_of(self.given, self.request)
        if any(isinstance(place, Path) and place.is_file() for _, place in self.outputs()):
            yield from named_inputs(self.request)

    def notes(self) -> list[str]:
        """Return what the user should hear of options that make no difference here."""
        from conda_docker.image.runtime.annotations import unused_annotations

        others = ", ".join(name.familiar for name in self.names[1:])
        notes = [
            f"{place} holds one name, so those of --tag are left out: {others}"
            for place in self.locations
            if others and place.transport in ("oci", "oci-archive")
        ]
        options = self.request.options
        if options.link_scripts_network and options.link_scripts.value != "run":
            notes.append("--link-scripts-network makes no difference without --link-scripts run")
        if self.given["only_packages"] and self.request.name is None and self.request.prefix is None:
            notes.append("--only-packages makes no difference without --name or --prefix")
        unused = unused_annotations(options.annotations)
        if not unused or len(self.request.platforms) > 1 or self.given["buildkit_attestations"]:
            return notes
        return [
            *notes,
            "there is no index: the image is for one platform, and what --annotation sets with `index:` is left out: "
            f"{', '.join(unused)}",
        ]


def outputs_of(locations: Iterable[Location], given: Mapping[str, Any]) -> Iterator[tuple[str, Location | Path]]:
    """Yield the places and files that a build writes to, each with the option that asks for it."""
    for location in locations:
        yield f"-o {location}", location
    files = [("--sbom-output", path) for path in given["sbom_output"]]
    for option, path in (*files, ("--metadata-file", given["metadata_file"]), ("--iidfile", given["iidfile"])):
        if path is not None:
            yield f"{option} {path}", path


def asked_build(given: Mapping[str, Any], *, required: bool) -> AskedBuild:
    """Return the build that the values of options ask for; with `required`, the image must go somewhere.

    Raises usage errors, and `Error` for folders that are missing.
    """
    from conda_docker.build_options import BuildOptions
    from conda_docker.cache.pushed import remembered_places
    from conda_docker.image.runtime.annotations import INDEX, annotations_for
    from conda_docker.request import Request

    source_date_epoch()  # it is read only when the image is made, which is late to hear that it cannot be
    described = with_source_labels(given) if given["label_from"] else {}
    given = {**given, **described, "places": remembered_places(given["cache_dir"])}
    if given["push"] and given["image"] is None and not given["tags"]:
        raise click.UsageError("--push needs the name of the image, with its registry: -i REGISTRY/NAME")
    for option in ("environment", "category"):
        if given[option] and not given["file"]:
            raise click.UsageError(f"--{option} chooses from a file: name the file with --file")
    names = image_names(given)
    locations = locations_of(
        given["outputs"],
        names,
        push=given["push"],
        load=given["load"],
        platforms=len(given["platform"]),
        required=required,
    )
    check_apart(outputs_of(locations, given))
    attest.check(given)
    check_bundle(given["cacert"])
    for path in filter(None, (given["metadata_file"], given["iidfile"])):
        check_file(path)
    bills = bills_of(given, locations)
    check_attachable(given, locations)
    check_level(given["compression"] or DEFAULTS.compression, given["compression_level"])
    base = None if given["base"] == "scratch" else to_source("--base", given["base"] or DEFAULT_BASE)
    try:
        request = Request(
            specs=given["specs"],
            base_registry=registry_of(base, given) if base else None,
            policy=policy.policy_of(given),
            options=BuildOptions(**values_for("options", {**given, **layer_repositories(given)})),
            **values_for("request", given),
        )
        index_annotations = annotations_for(INDEX, request.options.annotations)
    except (InvalidPolicy, InvalidVariable):  # of files, and of the environment of this process
        raise
    except MissingOption as error:
        option, needed = (f"--{field.replace('_', '-')}" for field in (error.option, error.needed))
        raise click.UsageError(f"{option} needs {needed}, {error.relation}") from None
    except (ValueError, InvalidPath, InvalidEnvironment) as error:
        raise click.UsageError(str(error)) from None
    asked = AskedBuild(request, names, locations, bills, index_annotations, given)
    check_kept(asked.outputs(), asked.inputs())
    return asked


def with_source_labels(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels and annotations of the image: those of `--label-from`, under those that are given."""
    from conda_docker.source_labels import labels_from_git, labels_from_pyproject

    folder = next(iter(given["project"]), Path())
    found: dict[str, str] = {}
    for source in given["label_from"]:
        found |= labels_from_git(folder) if source == "git" else labels_from_pyproject(folder)
    own = {name.rpartition(":")[2] for name in given["annotation"]}
    annotations = {f"manifest,index:{name}": value for name, value in found.items() if name not in own}
    return {"label": found | given["label"], "annotation": annotations | given["annotation"]}
