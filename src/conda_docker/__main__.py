"""`python -m conda_docker`."""

from __future__ import annotations

from conda_docker.cli import main

if __name__ == "__main__":
    main(program="python -m conda_docker")
