"""conda-docker.lock: what is written is what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.inputs.lock_files.own_lock import KIND, parse_own_lock
from conda_docker.environment.inputs.table import kind_of
from conda_docker.environment.locked import LockedBase
from conda_docker.errors import InvalidEnvironment

PACKAGE = {
    "name": "tool",
    "version": "1.10",
    "build": "h_0",
    "build_number": 0,
    "subdir": "linux-64",
    "url": "https://conda.example.org/team/linux-64/tool-1.10-h_0.conda",
    "fn": "tool-1.10-h_0.conda",
    "sha256": "a" * 64,
    "depends": [],
}
WHEEL = {"name": "six", "version": "1", "url": "https://host/six-1-py3-none-any.whl", "sha256": "b" * 64}


def document(**changes: Any) -> dict[str, Any]:
    platform = {
        "platform": "linux/amd64",
        "subdir": "linux-64",
        "base": {"name": "debian:stable-slim", "digest": "sha256:" + "c" * 64},
        "requested": ["tool >=1"],
        "channels": ["https://conda.example.org/team/"],
        "variables": {"A": "1"},
        "virtual-packages": ["__glibc=2.36=0"],
        "packages": [PACKAGE],
        "wheels": [WHEEL | {"requested": True, "size": 7, "requires": ["x"]}],
        "replaced": [["six", "0", "six-0-0"]],
    }
    return {"conda-docker-lock": 1, "inputs": {}, "inputs-digest": "x", "platforms": [platform | changes]}


def parse(**changes: Any) -> Any:
    return parse_own_lock(json.dumps(document(**changes)), subdir="linux-64")


def test_everything_is_read() -> None:
    found = parse()
    assert [package.stem for package in found.packages] == ["tool-1.10-h_0"]
    assert found.complete
    [wheel] = found.wheels
    assert (wheel.name, wheel.sha256, wheel.size, wheel.requires, wheel.requested) == ("six", "b" * 64, 7, ("x",), True)
    assert found.base == LockedBase("debian:stable-slim", "sha256:" + "c" * 64)
    assert (found.requested, found.variables) == (("tool>=1",), {"A": "1"})
    assert [str(package.version) for package in found.virtual_packages] == ["2.36"]
    assert [each.package for each in found.replaced] == ["six-0-0"]


def test_a_wheel_next_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "six-1-py3-none-any.whl").touch()
    fields = {key: value for key, value in WHEEL.items() if key != "url"} | {"path": "./six-1-py3-none-any.whl"}
    text = json.dumps(document(wheels=[fields]))
    [wheel] = parse_own_lock(text, subdir="linux-64", folder=tmp_path).wheels
    assert wheel.source == tmp_path / "six-1-py3-none-any.whl"


def test_its_kind() -> None:
    assert kind_of(InputFile.of(Path("any.lock"), json.dumps(document()))) is KIND


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"conda-docker-lock": 2}', "of version 2; this conda-docker reads version 1"),
        ('{"conda-docker-lock": 1}', "is damaged: it has no 'platforms'"),
        ('{"conda-docker-lock"', "is damaged"),
        ("[]", "is damaged"),
    ],
)
def test_what_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(InvalidEnvironment, match=said):
        parse_own_lock(text)


def test_a_platform_that_is_not_locked() -> None:
    with pytest.raises(InvalidEnvironment, match="has no platform linux-aarch64; it has linux-64"):
        parse_own_lock(json.dumps(document()), subdir="linux-aarch64")


@pytest.mark.parametrize("changes", [{"packages": 3}, {"packages": [{}]}, {"base": []}, {"wheels": [{"name": "x"}]}])
def test_damaged_values(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidEnvironment):
        parse(**changes)
