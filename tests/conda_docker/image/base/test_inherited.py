"""What containers inherit from a base image, and had better not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from conda_docker.image.base.inherited import inherited_notes
from python_docker.spec.documents.runtime_config import RuntimeConfig


def notes(
    fields: dict[str, Any], declared: Mapping[str, str] = MappingProxyType({}), *, has_python: bool = True
) -> list[str]:
    return list(inherited_notes(RuntimeConfig(fields), "/opt/conda", declared, has_python=has_python))


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONPATH"])
def test_variables_of_another_python(name: str) -> None:
    fields = {"Env": [f"{name}=/usr/lib/python3", "A=1"]}
    (note,) = notes(fields)
    assert f"{name}=/usr/lib/python3" in note
    assert f"--env {name}=" in note
    assert notes(fields, has_python=False) == []
    assert notes(fields, {name: ""}) == []
    assert notes({"Env": [f"{name}="]}) == []


@pytest.mark.parametrize(
    ("volume", "hides"),
    [
        ("/opt", True),
        ("/opt/conda/", True),
        ("opt", True),
        ("/", True),
        ("/opt/con", False),
        ("/opt/conda/pkgs", False),
    ],
)
def test_volumes_over_the_environment(volume: str, hides: bool) -> None:
    found = notes({"Volumes": {volume: {}}})
    assert bool(found) is hides
    assert all("--prefix-in-image" in note for note in found)


def test_instructions_for_builds_are_not_followed() -> None:
    assert notes({"OnBuild": ["RUN make", "COPY . /app"]}) == [
        "the base image has ONBUILD instructions, which only a Dockerfile's build follows: RUN make; COPY . /app"
    ]


@pytest.mark.parametrize(
    "fields", [{}, {"Env": None, "Volumes": None, "OnBuild": None}, {"Volumes": {}, "OnBuild": []}]
)
def test_what_most_images_have(fields: dict[str, Any]) -> None:
    assert notes(fields) == []
