"""Profiles: what systems that run images expect of them, by the names of these systems."""

from conda_docker.profiles.profile import Account, Profile
from conda_docker.profiles.table import PROFILES

__all__ = ["PROFILES", "Account", "Profile"]
