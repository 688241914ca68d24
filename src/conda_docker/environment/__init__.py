"""How users say which packages they want. Every way ends in one `LockedEnvironment`.

`inputs/` has a module for each kind of file and for an environment that exists, `solve/` what chooses packages for
match specs. `lock` picks among them.
"""

from __future__ import annotations

from conda_docker.environment.lock import lock
from conda_docker.environment.locked import LockedEnvironment, LockedPackage

__all__ = ["LockedEnvironment", "LockedPackage", "lock"]
