"""Check: one thing that was examined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    """Most builds work; some do not, or take longer."""
    ERROR = "error"
    """Builds that need it fail."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was examined: what it is, how it is, what was `found`, and what to do about it.

    >>> Check("sandbox", Status.WARNING, "bwrap is not installed", "install bubblewrap").status.value
    'warning'
    """

    subject: str
    status: Status
    found: str
    advice: str | None = None


def ok(subject: str, found: str) -> Check:
    """Return the check of something that is as it should be."""
    return Check(subject, Status.OK, found)
