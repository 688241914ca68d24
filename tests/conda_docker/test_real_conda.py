"""A real conda on the environment of an image: it finds nothing wrong, and can go on working with it.

The image's prefix is a folder of this test, so that conda finds the environment where its files say it is.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.image.assemble import build_image
from conda_docker.resolution.lock import lock
from demo.channel import RealChannel
from python_docker.transports import write_image
from tests.conda_docker.real_conda import conda_variables, require_conda
from tests.peers import Program, unpack_image
from tests.peers.availability import require

SPECS = ["flask", "python"]


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment out of an image, and the conda that looks at it."""

    conda: Program
    prefix: Path
    channel: str

    def names(self) -> set[str]:
        listed = self.conda("list", "--json", "--prefix", self.prefix).stdout
        return {package["name"] for package in json.loads(listed)}

    def healthy(self) -> None:
        """Check that `conda doctor` finds the packages as they should be; it looks at the machine too."""
        said = self.conda("doctor", "--verbose", "--prefix", self.prefix, check=False).stdout
        assert "✅ There are no packages with missing files" in said, said
        assert "✅ There are no packages with altered files" in said, said
        assert "✅ The environment is consistent" in said, said


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("conda")
    conda = require_conda(folder)
    channel: RealChannel = request.getfixturevalue("real_channel")
    prefix = folder / "env"
    locked = lock(SPECS, channels=[channel.url], override_channels=True)
    options = BuildOptions(prefix=str(prefix), cache_dir=folder / "cache")
    write_image(build_image(locked, None, options).image, f"oci:{folder / 'layout'}:v1")
    root = unpack_image(Program(require("umoci")), folder / "layout", "v1", folder / "bundle")
    shutil.move(root / prefix.relative_to("/"), prefix)
    return Environment(conda, prefix, channel.url)


def test_it_is_listed_and_found_healthy(environment: Environment) -> None:
    assert {"python", "flask", "werkzeug", "markupsafe"} <= environment.names()
    environment.healthy()


def test_its_history_is_read(environment: Environment) -> None:
    said = environment.conda("list", "--revisions", "--prefix", environment.prefix).stdout
    assert "+flask" in said
    exported = environment.conda("env", "export", "--from-history", "--prefix", environment.prefix).stdout
    assert [line.strip(" -") for line in exported.splitlines() if line.startswith("  - ")] == SPECS


def test_it_is_exported(environment: Environment) -> None:
    explicit = environment.conda("list", "--explicit", "--sha256", "--prefix", environment.prefix).stdout
    urls = [line for line in explicit.splitlines() if line.startswith(environment.channel)]
    assert len(urls) == len(environment.names())
    assert all(len(url.partition("#")[2].removeprefix("sha256:")) == 64 for url in urls)


def test_packages_are_removed_and_installed_again(environment: Environment) -> None:
    conda, prefix = environment.conda, environment.prefix
    conda("remove", "--prefix", prefix, "flask")
    assert "flask" not in environment.names()
    assert not (prefix / "bin/flask").exists()
    environment.healthy()
    only = ("--override-channels", "--channel", environment.channel)
    conda("install", "--prefix", prefix, *only, "flask", timeout=300)
    assert "flask" in environment.names()
    assert (prefix / "bin/flask").is_file()
    environment.healthy()


def test_another_user_looks_at_it_on_a_read_only_root(environment: Environment) -> None:
    program, prefix = environment.conda.path, environment.prefix
    sandbox = Program(require("bwrap"), environment=conda_variables(Path("/var/tmp")))
    root = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/var/tmp")
    user = (*root, "--unshare-user", "--uid", "4711", "--gid", "100")
    listed = sandbox(*user, program, "list", "--json", "--prefix", prefix).stdout
    assert {package["name"] for package in json.loads(listed)} == environment.names()
    told = json.loads(sandbox(*user, program, "info", "--json", env={"CONDA_PREFIX": str(prefix)}).stdout)
    assert told["active_prefix"] == str(prefix)


def test_every_user_may_read_every_file(environment: Environment) -> None:
    for folder, folders, files in os.walk(environment.prefix):
        for path in (Path(folder, name) for name in (*folders, *files)):
            mode = path.lstat().st_mode
            assert mode & stat.S_IROTH, path
