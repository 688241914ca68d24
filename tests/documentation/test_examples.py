"""The examples for workflow systems: run by these where they are installed, else by stand-ins of what they use."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.conftest import synthetic_channel

__all__ = ["synthetic_channel"]

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(autouse=True)
def modules(synthetic_channel: SyntheticChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of two environments, in the current folder of a user with nothing else."""
    synthetic_channel.add(SyntheticPackage(name="one"), SyntheticPackage(name="two"))
    for name in ("one", "two"):
        path = tmp_path / "modules" / name / "environment.yml"
        path.parent.mkdir(parents=True)
        path.write_text(f"channels: ['{synthetic_channel.url}']\ndependencies: [{name}]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONDA_DOCKER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "modules"


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> None:
    """Have a module of that name with these contents, unless it is installed."""
    if importlib.util.find_spec(name.partition(".")[0]) is not None:
        return
    for whole in (name.partition(".")[0], name):
        monkeypatch.setitem(sys.modules, whole, ModuleType(whole))
    for key, value in contents.items():
        setattr(sys.modules[name], key, value)


def test_a_prefect_flow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Submitted:
        def __init__(self, call: Callable[..., Any]) -> None:
            self.call = call

        def submit(self, *args: Any) -> Any:
            return SimpleNamespace(result=lambda: self.call(*args))

    stand_in(monkeypatch, "prefect", task=Submitted, flow=lambda **options: lambda call: call)
    flow = runpy.run_path(str(EXAMPLES / "prefect_flow.py"))["bake_folder"]
    assert sorted(flow("modules")) == ["one", "two"]
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["one", "two"]


def test_a_dagster_asset(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "dagster", asset=lambda call: call, MaterializeResult=SimpleNamespace)
    asset = runpy.run_path(str(EXAMPLES / "dagster_assets.py"))["images"]
    assert sorted(asset().metadata["digests"]) == ["one", "two"]


def test_an_airflow_dag(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in(monkeypatch, "airflow.sdk", dag=lambda **options: lambda call: call, task=lambda call: call)
    runpy.run_path(str(EXAMPLES / "airflow_dag.py"))
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["one", "two"]
