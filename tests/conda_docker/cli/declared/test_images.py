"""Several images in one file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from conda_docker.cli.declared.find import Declaration
from conda_docker.cli.declared.images import chosen_images, declared_images
from conda_docker.errors import InvalidEnvironment


def declaration(text: str) -> Declaration:
    return Declaration(Path("conda-docker.toml"), tomllib.loads(text))


def test_one_image_without_a_name() -> None:
    assert declared_images(declaration("trim = true")) == {"": {"trim": True}}


def test_common_options_and_those_that_are_extended() -> None:
    text = """
    base = "scratch"
    env = {A = "1"}
    [images.app]
    image = "app:1"
    trim = true
    [images.dev]
    extends = "app"
    image = "dev:1"
    env = {B = "2"}
    """
    assert declared_images(declaration(text)) == {
        "app": {"base": "scratch", "env": {"A": "1"}, "image": "app:1", "trim": True},
        "dev": {"base": "scratch", "env": {"B": "2"}, "image": "dev:1", "trim": True},
    }


def test_those_that_are_wanted() -> None:
    given = declaration("[images.a]\n[images.b]\n")
    assert list(chosen_images(given, ())) == ["a", "b"]
    assert list(chosen_images(given, ("b",))) == ["b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[images.a]\nextends = 'bb'\n[images.b]\n", "extends 'bb', which is not declared; did you mean 'b'"),
        ("[images.a]\nextends = 'b'\n[images.b]\nextends = 'a'\n", "extend each other: a -> b -> a"),
        ("images = 3", "must hold a table for each image"),
        ("images.a = 3", "must hold a table for each image"),
    ],
)
def test_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidEnvironment, match=said):
        declared_images(declaration(text))


def test_an_image_that_nobody_declares() -> None:
    with pytest.raises(InvalidEnvironment, match=r"no image 'apq' \(there are: app\); did you mean 'app'"):
        chosen_images(declaration("[images.app]\n"), ("apq",))
