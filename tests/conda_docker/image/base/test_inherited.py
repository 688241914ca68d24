"""What containers inherit from a base image, and had better not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from conda_docker.image.base.inherited import inherited_notes, stacked_notes, unknown_layer_notes
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
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


def stacked(before: Mapping[str, str], after: Mapping[str, str], own: Mapping[str, str] = MappingProxyType({})) -> str:
    base = Image()
    base.config["Env"] = [f"{name}={value}" for name, value in before.items()]
    return " ".join(stacked_notes(base, "/opt/conda/envs/app", {**before, **after, **own}, own))


ACTIVE = {"PATH": "/opt/conda/bin:/bin", "CONDA_PREFIX": "/opt/conda", "CONDA_SHLVL": "1", "HOME": "/root"}


@pytest.mark.parametrize(
    "after", [{}, {"LD_LIBRARY_PATH": "/opt/conda/envs/app/lib:/opt/conda/lib:/usr/lib"}], ids=["as it was", "added to"]
)
def test_variables_of_an_environment_below(after: Mapping[str, str]) -> None:
    before = {**ACTIVE, "LD_LIBRARY_PATH": "/opt/conda/lib:", "OTHER": "/opt/condas"}
    assert "what it has set stays in LD_LIBRARY_PATH; --env NAME=VALUE changes it" in stacked(before, after)


def test_variables_that_are_set_anew_or_of_no_environment() -> None:
    before = {**ACTIVE, "PROJ": "/opt/conda/proj"}
    assert stacked(before, {"PROJ": "/opt/conda/envs/app/proj"}) == ""
    assert stacked(before, {}, {"PROJ": "/opt/conda/proj"}) == ""
    assert stacked({"PROJ": "/opt/conda/proj"}, {}) == ""
    assert stacked({**before, "CONDA_PREFIX": "/opt/conda/envs/app"}, {}) == ""


def test_of_many_variables_some_are_named() -> None:
    before = {**ACTIVE, **{f"V{number}": "/opt/conda" for number in range(7)}}
    assert "stays in V0, V1, V2, V3, V4 and 2 more;" in stacked(before, {})


def test_layers_of_unknown_types() -> None:
    base = Image()
    base.add_layer_contents({"/x": b""})
    assert list(unknown_layer_notes(base)) == []
    with base.layers[0].blob.open() as file:
        blob = Blob.from_bytes(file.read(), "application/vnd.example.layer")
    for _ in range(2):
        base.add_layer(Layer(blob, base.layers[0].diff_id))
        (note,) = unknown_layer_notes(base)
        assert "a type that is not a layer's ('application/vnd.example.layer'), which is passed on as it is" in note
