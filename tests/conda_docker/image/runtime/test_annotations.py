"""What annotations are for."""

from __future__ import annotations

import pytest

from conda_docker.image.runtime.annotations import INDEX, MANIFEST, annotations_for


def test_without_a_prefix_they_are_the_manifest_s() -> None:
    assert annotations_for(MANIFEST, {"org.example.a": "1"}) == {"org.example.a": "1"}
    assert annotations_for(INDEX, {"org.example.a": "1"}) == {}


@pytest.mark.parametrize("prefix", ["index,manifest:", "manifest,index:"])
def test_for_both(prefix: str) -> None:
    assert annotations_for(MANIFEST, {f"{prefix}a": "1"}) == annotations_for(INDEX, {f"{prefix}a": "1"}) == {"a": "1"}


@pytest.mark.parametrize("key", ["index-descriptor:a", "manifest:", ":a", "other,index:a"])
def test_other_targets_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="annotations are for"):
        annotations_for(MANIFEST, {key: "1"})
