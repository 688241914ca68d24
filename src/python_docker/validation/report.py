"""Report: what is wrong with an image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """Against a specification, damaged, or refused by a tool in use."""
    WARNING = "warning"
    """Allowed or tolerated, but not the same everywhere."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, before it is known of which document or layer."""

    severity: Severity
    message: str


def error(message: str) -> Finding:
    """Return a finding that makes an image wrong."""
    return Finding(Severity.ERROR, message)


def warning(message: str) -> Finding:
    """Return a finding that an image can live with."""
    return Finding(Severity.WARNING, message)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `subject` says with what, such as `linux/arm64: layer 2 of 5 (sha256:0123456789ab)`.

    >>> print(Problem(Severity.ERROR, "the config", "it has no diff IDs"))
    error: the config: it has no diff IDs
    """

    severity: Severity
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.subject}: {self.message}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and how much was looked at: `images`, different `layers`, and their `size` in bytes as stored.

    `artifacts` are the manifests that are not images.
    """

    problems: tuple[Problem, ...] = ()
    images: int = 0
    layers: int = 0
    size: int = 0
    artifacts: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is no error; there may be warnings."""
        return not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that make it wrong."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that it can live with."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)
