"""The version of this distribution: the only place in the code that has it."""

from __future__ import annotations

from typing import Final

__version__: Final = "1.0.0"
