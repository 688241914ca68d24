"""Stores that stay open from one image to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker import BuildOptions
from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.baking.cluster import kept_stores as module
from conda_docker.baking.cluster.kept_stores import kept_stores


@pytest.fixture
def options(tmp_path: Path) -> BuildOptions:
    """Return options with a layer repository that is not there."""
    repository = LayerRepository("127.0.0.1:1/layers")
    return BuildOptions(cache_dir=tmp_path, cache_from=[repository], cache_to=[repository])


def test_the_same_options_have_the_same_stores(options: BuildOptions) -> None:
    first = kept_stores(options, options, ())
    assert kept_stores(options, options, ()) is first
    assert kept_stores(options, options, ("127.0.0.1",)) is not first


def test_after_some_minutes_they_are_opened_anew(options: BuildOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kept_stores(options, options, ())
    monkeypatch.setattr(module, "_LONGEST", 0)
    assert kept_stores(options, options, ()) is not first


def test_a_repository_out_of_reach_is_asked_again(options: BuildOptions) -> None:
    first = kept_stores(options, options, ())
    first.repositories[0].expect(["0" * 64])
    assert first.repositories[0].out_of_reach
    assert kept_stores(options, options, ()) is not first
