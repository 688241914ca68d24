"""Builds that are declared in a file of the project: pyproject.toml, pixi.toml or conda-docker.toml."""
