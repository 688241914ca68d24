"""What becomes of packages that pip installed into an environment on this machine: the choices that a user has."""

from __future__ import annotations

from enum import StrEnum


class Editable(StrEnum):
    """What to do about packages that pip installed in place (`pip install -e`)."""

    COPY = "copy"
    """Their folder of sources goes into the image."""
    REFUSE = "refuse"


class PipPackages(StrEnum):
    """What to do about an environment in which pip installed something."""

    INSTALL = "install"
    """Install the same versions into the image."""
    REFUSE = "refuse"
    WARN = "warn"
    """Leave it out, with a warning."""
