"""Packages to fetch, and how tests fetch them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conda_docker.environment.locked import LockedPackage
from conda_docker.package.fetch.fetch import fetch_early
from python_docker.registry.access.options import RegistryOptions
from tests.conda_docker.channel import File, SyntheticPackage
from tests.conda_docker.package.faulty_server import FaultyServer

QUICK = RegistryOptions(attempts=4, backoff=0.001, max_backoff=0.002, max_wait=5, environ={})


SMALL = SyntheticPackage(name="small", files={"share/small": "small"})


# Does not compress: its archive has as many bytes.
LARGE = SyntheticPackage(name="large", files={"share/large": File(random.Random(1).randbytes(3_000_000))})


Serve = Callable[[Path], FaultyServer]


def fetch(*records: LockedPackage, cache: Path, **options: Any) -> dict[str, Path]:
    """Return where each package is, by its name."""
    fetched = list(fetch_early(records, cache, **{"options": QUICK, "early": False, **options}))
    assert len(fetched) == len(records)
    return {record.name: path for record, path in fetched if isinstance(path, Path)}


def left_in(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "packages").iterdir()) if (cache / "packages").exists() else []
