"""Packages of the Python index: resolved by uv, linked into layers like conda packages."""
