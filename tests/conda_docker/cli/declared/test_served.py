"""[build] of a server's configuration, with the names that conda-docker.toml has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from conda_docker.cli.declared.served import served_build
from conda_docker.serve.configuration import InvalidConfiguration
from conda_docker.serve.configuration_file import configuration_of


def build_of(table: object, folder: Path) -> dict[str, Any]:
    """Return the fields of `BuildOptions` that a server takes from a table."""
    with click.Context(click.Command("serve")) as ctx:
        read = served_build(ctx, table, folder / "serve.toml")
    return dict(configuration_of({"build": read}, folder).build)


def test_options_have_the_names_of_conda_docker_toml(tmp_path: Path) -> None:
    table = {
        "compression": "zstd",
        "label": {"team": "a"},
        "layering-strategy": "single",
        "prefix-in-image": "/srv/env",
        "trim": True,
        "user": "1000",
        "env": ["A=1"],
        "cmd": ["python", "-m", "app"],
    }
    assert build_of(table, tmp_path) == {
        "compression": "zstd",
        "labels": {"team": "a"},
        "layering": "single",
        "prefix": "/srv/env",
        "trim": True,
        "user": "1000",
        "env": {"A": "1"},
        "cmd": ("python", "-m", "app"),
    }


def test_fields_of_build_options_are_taken_as_before(tmp_path: Path) -> None:
    table = {"labels": {"team": "a"}, "layering": "single", "prefix": "/srv/env"}
    assert build_of(table, tmp_path) == table


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"layering-stratgy": "single"}, "build has no key 'layering-stratgy'; did you mean 'layering-strategy'"),
        ({"compression": "bzip2"}, "build: compression: 'bzip2' is not one of"),
        ({"trim": "yes"}, "build: trim must be true or false"),
        ({"add": ["/etc/shadow:/x"]}, "build has no key 'add'"),
        ({"cache-dir": "/x"}, "build has no key 'cache-dir'"),
        ({"label": {"a": "1"}, "labels": {"a": "2"}}, "build: labels is there under two names"),
        ("zstd", "build must be a table"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, table: object, said: str) -> None:
    with pytest.raises(InvalidConfiguration) as error:
        build_of(table, tmp_path)
    assert said in str(error.value)
