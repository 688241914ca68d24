"""How users say which packages they want. Every way ends in one `LockedEnvironment`.

`inputs/` is the table of files that are read, and environments that exist; `spec.py` is what an input leaves to a
solver, `solve/` what chooses packages for match specs.
"""

from __future__ import annotations

from conda_docker.environment.locked import LockedEnvironment, LockedPackage
from conda_docker.environment.spec import EnvironmentSpec

__all__ = ["EnvironmentSpec", "LockedEnvironment", "LockedPackage"]
