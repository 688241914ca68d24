"""docs/json.md names every field of the reports that `--json` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import Run, conda_docker
from tests.conda_docker.conftest import environment, synthetic_channel
from tests.documentation.pages import ROOT

__all__ = ["conda_docker", "environment", "synthetic_channel"]

PAGE = (ROOT / "docs" / "json.md").read_text()
# What is in these is the image's own, or another section's.
OF_OTHERS = {"config", "labels", "annotations", "comparison"}

# The section of the page, and the commands whose reports it describes; each after those before it.
REPORTS = [
    ("build", "build -b scratch -f environment.yml -i demo:1.0 -o oci:demo:1.0 --json"),
    ("build --dry-run", "build -b scratch -f environment.yml --dry-run --json"),
    ("bake", "bake environment.yml -b scratch -o images --json"),
    ("bake", "bake environment.yml -b scratch --dry-run --json"),
    ("inspect", "inspect oci:demo:1.0 --json"),
    ("inspect", "inspect oci:demo:1.0 --layers --json"),
    ("inspect", "inspect oci:demo:1.0 --packages --json"),
    ("copy", "copy oci:demo:1.0 copied.tar --json"),
    ("validate", "validate copied.tar --json"),
    ("cache", "cache info --json"),
    ("cache", "cache prune --max-size 1GB --json"),
    ("doctor", "doctor --offline --json"),
    ("verify", "verify --rebuild oci:demo:1.0 --json"),
    ("diff", "diff oci:demo:1.0 copied.tar --json"),
    ("report", "report oci:demo:1.0 --against copied.tar --json"),
    ("cache", "cache clear --json"),
]


def test_every_field_is_described(conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", files={"share/tool": b"tool"}))
    channel = f"channels: ['{synthetic_channel.url}', nodefaults]\n"
    (tmp_path / "environment.yml").write_text(f"{channel}dependencies: [tool]\n")
    missing = {}
    for section, command in REPORTS:
        done = conda_docker(*command.split())
        assert done.stdout.startswith(("{", "[")), done.stderr
        described = section_of(section)
        missing[command] = sorted({name for name in names(json.loads(done.stdout)) if f"`{name}`" not in described})
    assert {command: found for command, found in missing.items() if found} == {}


@pytest.mark.parametrize("section", sorted({section for section, _ in REPORTS}))
def test_there_is_such_a_section(section: str) -> None:
    assert f"\n## {section}\n" in PAGE


def section_of(name: str) -> str:
    return re.split(r"^## ", PAGE.partition(f"\n## {name}\n")[2], flags=re.MULTILINE)[0]


def names(value: object) -> Iterator[str]:
    """Yield the names of all fields of a report."""
    if isinstance(value, dict):
        for name, field in value.items():
            yield name
            if name not in OF_OTHERS:
                yield from names(field)
    elif isinstance(value, list):
        for item in value:
            yield from names(item)
