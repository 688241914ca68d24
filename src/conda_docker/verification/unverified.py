"""Why a layer is not made again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conda_docker.provenance.reading import is_of_bills, is_of_prefix
from conda_docker.verification.report import LayerVerdict, Outcome, verdict_on

if TYPE_CHECKING:
    from conda_docker.provenance.installed import InstalledPackage
    from conda_docker.verification.steps import Step

_REASONS = {
    "base": "it is the base image's, and the image does not say which image that is",
    "link scripts": "link scripts of packages made it; --link-scripts runs them again in a sandbox",
    "other": "it holds files that were added to the image, or another program made it: no package says what is in it",
}
_PREFIX = (
    "it holds what the environment on the building machine had beyond its packages, such as changed files: no package "
    "says what is in it"
)
_BILLS = (
    "it holds a bill of materials, which says more of the packages than their archives do, such as what the channel's "
    "index said of them on that day"
)
_INCOMPLETE = "its environment's history is incomplete"


def left_out(step: Step, *, asked: bool) -> LayerVerdict:
    """Return the verdict on a layer that is not made again, with why it is not; `asked` says that it should be."""
    if not asked:
        reason = "they are not among the packages that were asked for"
    elif step.kind == "other" and is_of_prefix(step.layer):
        reason = _PREFIX
    elif step.kind == "other" and is_of_bills(step.layer):
        reason = _BILLS
    else:
        reason = _REASONS.get(step.kind, _INCOMPLETE)
    verdict = verdict_on(step, Outcome.UNVERIFIED, reason)
    return replace(verdict, asked=asked, excusable=step.kind != "packages")


def is_from_project(package: InstalledPackage) -> bool:
    """Return whether a package is a wheel that a build made of a project: its URL names a file without a folder."""
    return package.is_wheel and package.url.startswith("file:///") and package.url.count("/") == 3
