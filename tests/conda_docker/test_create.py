"""create_image: one call from what is wanted to an image."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from conda_docker import BuildOptions, create_image
from conda_docker.errors import InvalidEnvironment
from python_docker import Image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.settings import home

__all__ = ["home"]


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel of two packages."""
    synthetic_channel.add(SyntheticPackage(name="tool", version="3.12.1"), SyntheticPackage(name="library"))
    return synthetic_channel


def make(channel: SyntheticChannel, specs: Any, **fields: Any) -> Image:
    fields = {"base": "scratch", "platform": "linux-64", "options": BuildOptions(use_cache=False), **fields}
    return create_image(specs, channels=channel.url, override_channels=True, **fields)


def test_spelling_and_order_of_specs_change_nothing(channel: SyntheticChannel) -> None:
    spellings = [
        ["tool=3.12", "library"],
        ["library", "tool=3.12"],
        [" library", "tool = 3.12.*", "library"],
        ["tool[version='3.12.*']", "Library"],
    ]
    assert len({make(channel, specs).digest for specs in spellings}) == 1


def test_the_name_of_the_image(channel: SyntheticChannel) -> None:
    image = make(channel, "tool", image="localhost:5000/demo:1.0")
    assert (image.name, image.tag) == ("localhost:5000/demo", "1.0")


def test_notes_are_logged(channel: SyntheticChannel, tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "environment.yml"
    file.write_text("dependencies: [tool]\nunheard: of\n")
    with caplog.at_level(logging.WARNING, "conda_docker"):
        make(channel, (), file=file)
    assert any("'unheard' is not known" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"specs": ()}, InvalidEnvironment, "no environment was described"),
        ({"platform": "linux/amd64,linux/arm64"}, ValueError, "platform must be one platform"),
        ({"platform": 64}, TypeError, "platform must be"),
        ({"channels": 1}, TypeError, "channels must be"),
        ({"file": 1}, TypeError, "file must be a path"),
        ({"image": None}, TypeError, "image must be a name"),
        ({"options": {"trim": False}}, TypeError, "options must be BuildOptions"),
    ],
)
def test_arguments_that_cannot_be_used(fields: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        create_image(**{"specs": "tool", "base": "scratch", **fields})
