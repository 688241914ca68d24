"""The public names are listed, imported when they are used, and documented with examples that run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import conda_docker
import python_docker
from conda_docker import (
    AdvisorySource,
    BuildOptions,
    LockedEnvironment,
    Request,
    Target,
    bake,
    bill_of_materials,
    build_image,
    create_image,
    find_targets,
    open_base,
    resolve,
)
from python_docker import Image, Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.settings import home

__all__ = ["home"]

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.mark.parametrize("package", [conda_docker, python_docker])
def test_all_names_are_there_and_listed(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]
    assert dir(package) == sorted(names)
    assert not [name for name in names if isinstance(getattr(package, name), ModuleType)]


def test_nothing_is_imported_before_it_is_used() -> None:
    code = "import sys, conda_docker; print([name for name in sys.modules if name.startswith('conda_docker.')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_every_name_is_documented() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.read_text()))
    assert set(conda_docker.__all__) <= named


def test_the_examples(synthetic_channel: SyntheticChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for subdir in ("linux-64", "linux-aarch64"):
        synthetic_channel.add(
            *(
                SyntheticPackage(name=name, version="3.12", subdir=subdir, build=subdir[6:])
                for name in ("python", "numpy")
            )
        )
    (tmp_path / "environment.yml").write_text(f"channels: ['{synthetic_channel.url}']\ndependencies: [numpy]\n")
    examples = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        here = example.replace('channels="conda-forge"', f"channels={synthetic_channel.url!r}, override_channels=True")
        here = here.replace('base="debian:stable-slim"', 'base="scratch"')
        here = here.replace('platforms="linux/amd64', 'base="scratch", platforms="linux/amd64')
        exec(compile(here, "docs/python.md", "exec"), {})


def test_what_cannot_be_meant_names_the_argument() -> None:
    wrong: Any = "demo"
    for attempt, name in (
        (lambda: conda_docker.bake(wrong), "each of targets must be Target"),
        (lambda: conda_docker.build_image(wrong), "environment must be LockedEnvironment"),
        (lambda: conda_docker.open_base("debian", wrong, Path()), "platform must be Platform"),
        (lambda: conda_docker.read_environments(wrong), "image must be Image"),
        (lambda: conda_docker.rebuild(wrong), "image must be Image"),
        (lambda: conda_docker.resolve(wrong), "request must be Request"),
    ):
        with pytest.raises(TypeError, match=name):
            attempt()


REQUEST = Request(specs="pure", base="scratch")
ENVIRONMENT = LockedEnvironment(subdir="linux-64", packages=())

CALLS: list[tuple[Callable[..., object], str, list[Any]]] = [
    (lambda **given: create_image("pure", **given), "policy", [5, "", "x"]),
    (lambda **given: create_image("pure", **given), "options", [5, []]),
    (lambda **given: create_image("pure", **given), "image", [None, "", ":x", "a:", "UP", f"a@sha256:{'0' * 64}"]),
    (lambda **given: resolve(REQUEST, **given), "progress", [None, "x"]),
    (lambda **given: resolve(REQUEST, **given), "preferred", ["x", 5]),
    (lambda **given: resolve(REQUEST, **given), "download", ["no", None]),
    (lambda **given: Request(specs="pure", **given), "solve_seconds", ["5", 0, -1]),
    (BuildOptions, "compression_level", [-1, "9"]),
    (BuildOptions, "expose", [b"x", -1]),
    (BuildOptions, "user", ["a\0b", "a\x1b[31m"]),
    (lambda **given: build_image(ENVIRONMENT, **given), "stores", ["x"]),
    (lambda **given: build_image(ENVIRONMENT, **given), "delivery", ["x"]),
    (lambda **given: LockedEnvironment(**{"subdir": "linux-64", "packages": (), **given}), "packages", [None, "x"]),
    (lambda **given: LockedEnvironment(**{"subdir": "linux-64", "packages": (), **given}), "requested", [5, [5]]),
    (bake, "targets", [None, 5, "envs", [None]]),
    *((lambda **given: bake([], **given), name, ["x", 0, -1, 1.5, True]) for name in ("jobs", "memory", "disk")),
    (lambda **given: bake([], **given), "fail_fast", ["no"]),
    (lambda **given: bake([], **given), "scheduler", [5]),
    (lambda **given: bake([], **given), "done", ["x"]),
    (find_targets, "inputs", [None, 5, b"x"]),
    *((lambda **given: find_targets([], **given), name, [5, [None]])
      for name in ("image", "matrix", "push", "load", "output", "options")),
    (lambda **given: find_targets([], **given), "matrix", ["cuda=12"]),
    *((lambda **given: Target(name="x", request=REQUEST, **given), name, [5, [5]])
      for name in ("image", "outputs", "insecure", "ca_bundle", "annotations", "source", "reuse_replaced")),
    (AdvisorySource, "kind", ["osw", None]),
    (AdvisorySource.parse, "text", [None]),
    (lambda **given: bill_of_materials(Image(), **given), "bill_format", [None, "spdy"]),
    (lambda **given: bill_of_materials(Image(), "spdx", **given), "environment", ["x"]),
    (lambda **given: open_base(platform=Platform(), cache_dir=Path("x"), **given), "location", [None, 5]),
    (lambda **given: open_base("x.tar", Platform(), **given), "cache_dir", [None, 5]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "name", "value"), [(call, name, value) for call, name, values in CALLS for value in values]
)
def test_calls_name_the_argument_that_cannot_be_meant(call: Callable[..., object], name: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        call(**{name: value})


def test_a_string_is_one_host_of_a_target() -> None:
    assert Target(name="x", request=REQUEST, insecure="localhost:5000").insecure == ("localhost:5000",)
