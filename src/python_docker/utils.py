"""A name of python-docker 0.2: `from python_docker.utils import sorted_json_dumps`."""

from __future__ import annotations

import json


def sorted_json_dumps(value: object) -> bytes:
    """Return JSON in UTF-8 with sorted keys.

    >>> sorted_json_dumps({"b": 1, "a": 2})
    b'{"a": 2, "b": 1}'
    """
    return json.dumps(value, sort_keys=True).encode()
