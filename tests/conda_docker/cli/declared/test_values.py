"""Declared values are what the same options of the command line give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from conda_docker.cli.commands.build import build
from conda_docker.cli.declared.values import with_declared
from conda_docker.cli.options.declarable import DECLARABLE, key_of
from conda_docker.cli.parameters import Argument, Option

FILE = Path.cwd() / "conda-docker.toml"

SAMPLES: dict[str, tuple[object, list[str]]] = {
    "deny-license": (["AGPL-*"], ["--deny-license", "AGPL-*"]),
    "virtual-package": (["__cuda=12.4"], ["--virtual-package", "__cuda=12.4"]),
    "specs": (["python=3.12", "numpy"], ["python=3.12", "numpy"]),
    "channel-priority": ("strict", ["--channel-priority", "strict"]),
    "platform": (["linux/amd64", "linux-aarch64"], ["--platform", "linux/amd64", "--platform", "linux-aarch64"]),
    "base": ("scratch", ["--base", "scratch"]),
    "add": (["app:/srv/app"], ["--add", "app:/srv/app"]),
    "chmod": ("644", ["--chmod", "644"]),
    "home": ("/srv/me", ["--home", "/srv/me"]),
    "workdir": ("/srv", ["--workdir", "/srv"]),
    "prefix-in-image": ("/srv/env", ["--prefix-in-image", "/srv/env"]),
    "image": ("app:1", ["--image", "app:1"]),
    "output": ("oci:out", ["--output", "oci:out"]),
    "sbom": (["spdx"], ["--sbom", "spdx"]),
    "sbom-in-image": (["cyclonedx", "spdx"], ["--sbom-in-image", "cyclonedx", "--sbom-in-image", "spdx"]),
    "layering-strategy": ("single", ["--layering-strategy", "single"]),
    "max-layers": (7, ["--max-layers", "7"]),
    "compression": ("zstd", ["--compression", "zstd"]),
    "compression-level": (3, ["--compression-level", "3"]),
    "bytecode": ("never", ["--bytecode", "never"]),
    "exclude": ("*.md", ["--exclude", "*.md"]),
    "profile": ("dask", ["--profile", "dask"]),
    "env": ({"A": "1", "B": 2, "C": True}, ["--env", "A=1", "--env", "B=2", "--env", "C=true"]),
    "label": (["a=b"], ["--label", "a=b"]),
    "label-from": (["git"], ["--label-from", "git"]),
    "annotation": (["a=b"], ["--annotation", "a=b"]),
    "entrypoint": (["python", "-m", "my app"], ["--entrypoint", '["python", "-m", "my app"]']),
    "cmd": ("python -m app", ["--cmd", "python -m app"]),
    "expose": ([80, "53/udp"], ["--expose", "80", "--expose", "53/udp"]),
    "activate": ("env", ["--activate", "env"]),
    "link-scripts": ("refuse", ["--link-scripts", "refuse"]),
    "editable": ("refuse", ["--editable", "refuse"]),
    "cache-from": ("ghcr.io/org/layers", ["--cache-from", "ghcr.io/org/layers"]),
    "cache-to": ("ghcr.io/org/layers", ["--cache-to", "ghcr.io/org/layers"]),
    "max-age": ("90d", ["--max-age", "90d"]),
    "advisories": (
        ["osv:all.zip", "pip-audit:pypi"],
        ["--advisories", "osv:all.zip", "--advisories", "pip-audit:pypi"],
    ),
    "builder-id": ("https://ci.example.org/app", ["--builder-id", "https://ci.example.org/app"]),
    "exclude-newer": ("2026-03-30", ["--exclude-newer", "2026-03-30"]),
    "verify-cache": ("5%", ["--verify-cache", "5%"]),
}
"""For options whose values are not any text: a declared value, and the same on the command line."""


def sample(param: Option | Argument) -> tuple[object, list[str]]:
    key = key_of(param)
    if key in SAMPLES:
        return SAMPLES[key]
    if isinstance(param, Option) and param.is_flag:
        return True, [f"--{key}"]
    value: object = [f"some-{key}"] if param.multiple else f"some-{key}"
    return value, [f"--{key}", f"some-{key}"]


def given(*args: str) -> tuple[click.Context, dict[str, Any]]:
    with build.make_context("build", list(args)) as ctx:
        return ctx, dict(ctx.params)


def declared(table: Mapping[str, Any], *args: str, file: Path = FILE) -> dict[str, Any]:
    ctx, values = given(*args)
    with ctx:
        return with_declared(ctx, values, table, file)


@pytest.mark.parametrize("param", DECLARABLE, ids=key_of)
def test_every_option_of_build_can_be_declared(param: Option | Argument) -> None:
    value, args = sample(param)
    assert declared({key_of(param): value}) == given(*args)[1]
    assert declared({key_of(param): value})[str(param.name)] != given()[1][str(param.name)]


def test_the_command_line_wins() -> None:
    table = {"compression": "zstd", "trim": True, "exclude": ["*.md"]}
    values = declared(table, "--compression", "gzip", "--no-trim", "--exclude", "*.txt")
    assert (str(values["compression"]), values["trim"], values["exclude"]) == ("gzip", False, ("*.txt",))


@pytest.mark.parametrize("args", [["numpy"], ["-f", "x.yml"], ["-n", "x"], ["-p", "x"]])
def test_another_environment_takes_the_place_of_the_declared_one(args: list[str]) -> None:
    values = declared({"file": ["environment.yml"], "specs": ["python"], "trim": True}, *args)
    assert values == given(*args, "--trim")[1]


def test_a_variable_of_the_environment_wins_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_DOCKER_CACHE_FROM", "host/own")
    [found] = declared({"cache-from": ["host/declared"]})["cache_from"]
    assert found.reference == "host/own"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "layout").mkdir()
    table = {
        "file": ["environment.yml", "/etc/environment.yml"],
        "project": ".",
        "add": "app:/srv",
        "output": ["oci:out", "demo.tar", "docker://host.example/name:1"],
        "base": "oci:layout",
    }
    values = declared(table, file=tmp_path / "conda-docker.toml")
    assert values["file"] == (tmp_path / "environment.yml", Path("/etc/environment.yml"))
    assert values["project"] == (tmp_path,)
    assert values["add"] == ((tmp_path / "app", "/srv"),)
    places = [f"oci:{tmp_path}/out", f"docker-archive:{tmp_path}/demo.tar", "docker://host.example/name:1"]
    assert list(map(str, values["outputs"])) == places
    assert values["base"] == f"oci:{tmp_path}/layout"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"exlude": []}, "there is no option 'exlude'; did you mean 'exclude'"),
        ({"target": ["a"]}, "there is no option 'target'"),
        ({"trim": "yes"}, "trim must be true or false, not 'yes'"),
        ({"max-layers": "7"}, "max-layers must be a whole number, not '7'"),
        ({"chmod": 644}, "chmod must be a string, not 644"),
        ({"file": {"a": 1}}, "file must be a list of strings"),
        ({"env": 3}, "env must be a table of strings"),
        ({"cmd": 3}, "cmd must be a command"),
        ({"compression": "brotli"}, "compression: 'brotli' is not one of"),
        ({"max-layers": 700}, "max-layers: --max-layers must be from 2 to 125"),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        declared(table)
    assert f"conda-docker.toml: {said}" in raised.value.message
