"""`python -m docker_envs`."""

from __future__ import annotations

from docker_envs.cli import main

if __name__ == "__main__":
    main()
