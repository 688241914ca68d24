"""The names of the profiles, for help and errors; what each says takes longer to import (a test compares)."""

from __future__ import annotations

PROFILE_NAMES = ("jupyterhub", "binder", "devcontainer", "dask", "kubernetes")
"""In the order of the help."""
