"""The command line of the first release."""

from __future__ import annotations

from conda_docker.cli.docker_envs import cli, main

__all__ = ["cli", "main"]
