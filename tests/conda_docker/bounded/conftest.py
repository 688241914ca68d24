"""Fixtures that keep the settings of this machine out of the tests."""

from tests.conda_docker.settings import home, serve

__all__ = ["home", "serve"]
