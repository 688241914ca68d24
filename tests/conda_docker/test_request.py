"""A request describes one environment, and means what its values say."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.request import Request
from python_docker.errors import InvalidPlatform
from python_docker.spec.platform import Platform


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "no environment was described"),
        ({"specs": "a", "name": "x"}, "packages and a name are mutually exclusive"),
        ({"specs": "a", "prefix": "/x"}, "packages and a prefix are mutually exclusive"),
        ({"name": "x", "prefix": "/x"}, "a name and a prefix are mutually exclusive"),
        ({"files": "x.yml", "name": "x"}, "a file and a name are mutually exclusive"),
        ({"specs": "a", "files": "x.yml", "name": "x"}, "packages, a file and a name are mutually exclusive"),
    ],
)
def test_one_environment_is_described(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidEnvironment, match=said):
        Request(**fields)


def test_packages_may_add_to_a_file() -> None:
    request = Request(specs="numpy", files=(Path("environment.yml"),))
    assert (request.specs, request.files) == (("numpy",), (Path("environment.yml"),))


def test_one_string_is_one_value() -> None:
    request = Request(specs="numpy", channels="conda-forge", virtual_packages="__cuda=12", categories="main")
    assert request.channels == ("conda-forge",)
    assert request.virtual_packages == ("__cuda=12",)
    assert request.categories == ("main",)


@pytest.mark.parametrize("platforms", ["linux/amd64,linux-aarch64", ["linux-64", "linux/arm64", "linux/amd64"]])
def test_platforms_by_either_name_each_once(platforms: object) -> None:
    request = Request(specs="numpy", platforms=platforms)  # type: ignore[arg-type]
    assert request.platforms == (Platform("linux", "amd64"), Platform("linux", "arm64"))


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"platforms": "windows/amd64"}, UnsupportedInput, "Linux images only"),
        ({"platforms": "win-64"}, UnsupportedInput, "do not run in a Linux image"),
        ({"platforms": "linux/"}, InvalidPlatform, "not a platform"),
        ({"platforms": 64}, TypeError, "platforms must be"),
        ({"channels": 1}, TypeError, "channels must be"),
        ({"channels": [b"conda-forge"]}, TypeError, "channels must be"),
        ({"channel_priority": "strcit"}, ValueError, "did you mean 'strict'"),
        ({"override_channels": "yes"}, TypeError, "override_channels must be"),
        ({"base": 1}, TypeError, "base must be"),
        ({"base_registry": "host"}, TypeError, "base_registry must be"),
        ({"options": {}}, TypeError, "options must be"),
        ({"files": [1]}, TypeError, "files must be"),
    ],
)
def test_what_cannot_be_meant(fields: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Request(**{"specs": "numpy", **fields})


def test_every_field_is_converted_or_refused() -> None:
    for field in fields(Request):
        with pytest.raises((TypeError, ValueError), match=field.name):
            Request(**{"specs": "numpy", field.name: object()})  # type: ignore[arg-type]
