"""What a conda package holds: `open_package` reads `.conda`, `.tar.bz2` and extracted folders alike."""

from __future__ import annotations
