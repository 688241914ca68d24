"""Choosing wheels: uv resolves what users ask of pip for the image's Python and platform."""
