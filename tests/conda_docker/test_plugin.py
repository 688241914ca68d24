"""`conda docker`, as conda finds and starts it."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

# What conda's own code does with a plugin (conda/plugins, conda/cli/conda_argparse.py), by the library that it uses.
CONDA = """\
import argparse, importlib.metadata, sys, pluggy
from conda.plugins import hookspec
manager = pluggy.PluginManager("conda")
manager.add_hookspecs(hookspec)
for entry in importlib.metadata.entry_points(group="conda"):
    manager.register(entry.load())
commands = {command.name: command for found in manager.hook.conda_subcommands() for command in found}
assert not {"rattler", "pydantic", "click", "conda_docker.cli"} & set(sys.modules), "slow to load"
sys.exit(commands[sys.argv[1]].action(tuple(sys.argv[2:])))
"""
HOOKSPEC = """\
import pluggy
hookimpl = pluggy.HookimplMarker("conda")
@pluggy.HookspecMarker("conda")
def conda_subcommands(): ...
"""
TYPES = """\
from dataclasses import dataclass
from typing import Any
@dataclass(kw_only=True)
class CondaSubcommand:
    name: str
    summary: str
    action: Any
"""


@pytest.fixture
def conda(tmp_path: Path) -> list[str]:
    """Return the beginning of a command line that does what `conda` does with subcommands of plugins."""
    plugins = tmp_path / "site/conda/plugins"
    plugins.mkdir(parents=True)
    (plugins.parent / "__init__.py").touch()
    (plugins / "__init__.py").write_text("from conda.plugins.hookspec import hookimpl\n")
    (plugins / "hookspec.py").write_text(HOOKSPEC)
    (plugins / "types.py").write_text(TYPES)
    return [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n{CONDA}"]


def test_conda_is_told_of_the_module() -> None:
    [entry] = [entry for entry in importlib.metadata.entry_points(group="conda") if entry.name == "conda-docker"]
    assert entry.value == "conda_docker.plugin"


def test_arguments_output_and_exit_codes_pass_through(conda: list[str], tmp_path: Path) -> None:
    # A file that would be imported in place of a module of the standard library.
    (tmp_path / "typing.py").write_text("raise SystemExit(99)")
    results = [
        subprocess.run([*conda, "docker", *args], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        for args in (["--help"], ["copy", "missing.tar", "oci:out"], ["copy", "--nothing"])
    ]
    assert [result.returncode for result in results] == [0, 4, 2]
    assert results[0].stdout.startswith("Usage: conda docker [OPTIONS] COMMAND")
    assert "missing.tar" in results[1].stderr
    assert "conda docker copy --help" in results[2].stderr


def test_older_condas_find_the_program() -> None:
    assert Path(sys.executable).with_name("conda-docker").is_file()
