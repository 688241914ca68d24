"""How layer repositories are named."""

from __future__ import annotations

import pytest

from conda_docker.arguments.layer_repository import LayerRepository
from python_docker.errors import InvalidReference


@pytest.mark.parametrize("name", ["ghcr.io/org/layers", "localhost:5000/layers"])
def test_a_repository_is_named_with_its_registry(name: str) -> None:
    assert LayerRepository(name).reference == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("docker://ghcr.io/org/layers", r"named without docker://, such as ghcr\.io/org/layers"),
        ("http://localhost:5000/layers", "--insecure HOST allows plain HTTP"),
        ("ghcr.io/org/layers:1", r"names an image, and layers are in a repository: give ghcr\.io/org/layers alone"),
        (f"ghcr.io/org/layers@sha256:{'0' * 64}", "names an image"),
        ("ghcr.io/Org/layers", "Org/layers"),
        ("localhost:5000", "is a host: name a repository there, such as localhost:5000/layers"),
    ],
)
def test_what_names_none_is_refused(name: str, problem: str) -> None:
    with pytest.raises(InvalidReference, match=problem):
        LayerRepository(name)
