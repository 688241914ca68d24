"""pixi's manifests: `pixi.toml`, and `[tool.pixi]` in `pyproject.toml`."""
