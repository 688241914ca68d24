"""Docker Hub's names: one registry that has another name in references, in its API and in files of credentials."""

from __future__ import annotations

from typing import Final

DOCKER_HUB: Final = "docker.io"
"""Its domain in references (distribution/reference, normalize.go)."""

API_HOST: Final = "registry-1.docker.io"
"""The host that serves its API."""

HOSTS: Final = (DOCKER_HUB, "index.docker.io", API_HOST)
"""All hosts that mean it."""

URL_VARIABLE: Final = "CONDA_DOCKER_REGISTRY_URL"
"""The variable that names another registry for names without a host."""

LOGIN_KEY: Final = "https://index.docker.io/v1/"
"""What Docker calls it where credentials are kept (docker/cli, cli/config)."""
