"""How users say which packages they want. Every way ends in one `LockedEnvironment`.

- match specs, solved by rattler (`specs`) or by an installed conda or mamba (`external_solver`)
- `environment.yml` (`environment_yml`), solved likewise
- an `@EXPLICIT` list (`explicit`)
- an environment that exists, by its path or its name (`prefix`, `prefix_names`)

`lock` chooses among them. Another kind of file is a module that makes a `LockedEnvironment` of it, and a line each in
`file_kinds` and `lock`.
"""

from __future__ import annotations

from conda_docker.environment.lock import lock
from conda_docker.environment.locked import LockedEnvironment, LockedPackage

__all__ = ["LockedEnvironment", "LockedPackage", "lock"]
