"""Annotations that users ask for, in the form that `docker buildx build --annotation` takes.

A key may begin with what it is for: `manifest:` (as without it), `index:`, or both (`manifest,index:`).
Source: docker/buildx, docs/reference/buildx_build.md, "--annotation".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

MANIFEST, INDEX = "manifest", "index"


def annotations_for(target: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the annotations of manifests or of the index. Raises `ValueError` for another target in a key.

    >>> annotations_for(INDEX, {"a": "1", "index:b": "2", "manifest,index:c": "3"})
    {'b': '2', 'c': '3'}
    """
    return {key: value for targets, key, value in _split(given) if target in targets}


def unused_annotations(given: Mapping[str, str]) -> list[str]:
    """Return the names of the annotations that are for an index alone, which an image for one platform does not have.

    >>> unused_annotations({"a": "1", "index:b": "2", "manifest,index:c": "3"})
    ['b']
    """
    return [key for targets, key, _ in _split(given) if targets == {INDEX}]


def _split(given: Mapping[str, str]) -> Iterator[tuple[frozenset[str], str, str]]:
    for name, value in given.items():
        prefix, colon, key = name.rpartition(":")
        targets = frozenset(prefix.split(",")) if colon else frozenset({MANIFEST})
        if not targets <= {MANIFEST, INDEX} or not key:
            raise ValueError(f"annotations are for `manifest:` or `index:`, not {name[:80]!r}")
        yield targets, key, value
