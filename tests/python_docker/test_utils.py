"""The name that python-docker 0.2 had for sorted JSON."""

from __future__ import annotations

from python_docker.utils import sorted_json_dumps


def test_keys_are_sorted_at_every_depth() -> None:
    assert sorted_json_dumps({"b": {"z": 1, "y": [2]}, "a": None}) == b'{"a": null, "b": {"y": [2], "z": 1}}'
