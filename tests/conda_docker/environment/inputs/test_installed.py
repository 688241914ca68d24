"""What pip or uv installed, by its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from conda_docker.environment.inputs.installed import installed_distributions
from conda_docker.environment.installed_prefix import InstalledDistribution


def installed(prefix: Path, name: str, origin: Mapping[str, object] | None = None) -> InstalledDistribution:
    (prefix / name).mkdir(parents=True)
    if origin is not None:
        (prefix / name / "direct_url.json").write_text(json.dumps(origin))
    [found] = installed_distributions([prefix / name], prefix)
    return found


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        (None, "demo-app==1.0"),
        (
            {"url": "https://me:secret@example.com/d.whl", "archive_info": {}},
            "demo-app @ https://example.com/d.whl",
        ),
        (
            {"url": "https://example.com/d", "vcs_info": {"vcs": "git", "commit_id": "abc"}, "subdirectory": "x"},
            "demo-app @ git+https://example.com/d@abc#subdirectory=x",
        ),
        ({"url": "file:///d", "dir_info": {}}, None),
    ],
)
def test_what_may_install_it_again(
    tmp_path: Path, origin: Mapping[str, object] | None, requirement: str | None
) -> None:
    found = installed(tmp_path, "Demo_App-1.0.dist-info", origin)
    assert (found.name, found.version, found.requirement, found.editable) == ("demo-app", "1.0", requirement, None)


def test_installed_in_place(tmp_path: Path) -> None:
    origin = {"url": "file:///my%20code", "dir_info": {"editable": True}}
    assert installed(tmp_path, "demo-1.0.dist-info", origin).editable == Path("/my code")


def test_eggs(tmp_path: Path) -> None:
    egg = installed(tmp_path, "old_egg-1-py3.12.egg-info")
    assert (egg.name, egg.version, egg.requirement) == ("old-egg", "1", None)
    (tmp_path / "link.egg-link").write_text("/my/code\n.\n")
    [link] = installed_distributions([tmp_path / "link.egg-link"], tmp_path)
    assert (link.name, link.version, link.editable) == ("link", "", Path("/my/code"))
