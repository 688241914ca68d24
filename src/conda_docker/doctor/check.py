"""Check: one thing that was examined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conda_docker.redaction import public_text


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

    def __post_init__(self) -> None:
        # What users name, also by mistake, may be a URL with a password or a token.
        for name in ("subject", "found", "advice"):
            text = getattr(self, name)
            object.__setattr__(self, name, text and public_text(text))


def ok(subject: str, found: str) -> Check:
    """Return the check of something that is as it should be."""
    return Check(subject, Status.OK, found)
