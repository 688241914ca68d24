"""`conda-docker validate`: whether an image is what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.cli.options import common as options
from conda_docker.cli.parameters import Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.display import open_display
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.tables import count

if TYPE_CHECKING:
    from conda_docker.cli.options.registries import Access
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location
    from python_docker.validation import Report

_EXAMPLES = """
conda-docker validate demo.tar
# All platforms of an image, without downloading layers
conda-docker validate --no-layers docker://ubuntu:24.04
"""


@command(
    options.SOURCE,
    options.PLATFORM,
    Option("--no-layers", is_flag=True, help="Check only manifests and configs; do not read layers."),
    Option("--strict", is_flag=True, help="Count warnings as errors."),
    options.LOGIN,
    options.JSON,
    examples=_EXAMPLES,
)
def validate(
    output: Output,
    source: Location,
    platform: Platform | None,
    no_layers: bool,
    strict: bool,
    access: Access,
    json: bool,
) -> int:
    """Check every digest, size and media type of an image.

    Diff IDs, history and the contents of layers are checked too, and without --platform all images of a multi-platform
    image. The exit code is 1 when something is wrong. Warnings concern what some tools refuse or read differently.
    """
    from python_docker import validation
    from python_docker.copying.choose import image_of
    from python_docker.transports import open_source, open_sources

    registry = access.to_image(source)
    # With a platform, one image is meant, which has to be named where there are several.
    several = platform is None
    sources = open_sources(source, registry=registry) if several else {"": open_source(source, registry=registry)}
    try:
        with open_display(output) as progress:
            if several:
                report = validation.validate_sources(sources, layers=not no_layers, progress=progress)
            else:
                image = image_of(sources[""], platform)
                report = validation.validate(image, layers=not no_layers, progress=progress)
    finally:
        for opened in sources.values():
            opened.close()
    _tell(output, str(source), report, json=json)
    return 0 if report.ok and not (strict and report.warnings) else 1


def _kinds(report: Report) -> str:
    """Return how many images were checked, and how many manifests that are not images."""
    images, artifacts = count(report.images, "image"), count(report.artifacts, "artifact")
    if not report.artifacts:
        return images
    return f"{images}, {artifacts}" if report.images else f"{artifacts}, which is not an image"


def _tell(output: Output, location: str, report: Report, *, json: bool) -> None:
    if json:
        problems = [
            {"severity": str(problem.severity), "subject": problem.subject, "message": problem.message}
            for problem in report.problems
        ]
        counts = {
            "images": report.images,
            "artifacts": report.artifacts,
            "layers": report.layers,
            "size": report.size,
        }
        output.json({"location": location, "valid": report.ok, "problems": problems, **counts})
        return
    for problem in report.problems:
        output.result(str(problem))
    if report.ok:
        checked = f"{_kinds(report)}, {count(report.layers, 'layer')}, {format_size(report.size)}"
        warnings = f"; {count(len(report.warnings), 'warning')}" if report.warnings else ""
        output.result(f"{location} is valid ({checked}){warnings}")
    else:
        output.result(f"{location} is not valid: {count(len(report.errors), 'error')}")
