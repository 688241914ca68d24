"""The public names are listed, imported when they are used, and documented with examples that run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import conda_docker
import python_docker
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
