"""Profiles: what systems that run images expect of them, by the names of these systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.exports import lazy

if TYPE_CHECKING:
    from conda_docker.profiles.profile import Account, Profile
    from conda_docker.profiles.table import PROFILES

_HOMES = {
    "Account": "conda_docker.profiles.profile",
    "PROFILES": "conda_docker.profiles.table",
    "Profile": "conda_docker.profiles.profile",
}

__all__ = ["PROFILES", "Account", "Profile"]


__getattr__ = lazy(__name__, _HOMES)  # a build without a profile needs their names alone
