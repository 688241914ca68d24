"""The fixtures of registries' tests: options that do not wait, and servers that end with the test."""

from tests.python_docker.registry.conftest import no_settings, options, started

__all__ = ["no_settings", "options", "started"]
