"""The names that `docker_envs.conda` had."""

from __future__ import annotations

from conda_docker.conda import build_docker_environment, conda_file_filter

__all__ = ["build_docker_environment", "conda_file_filter"]
