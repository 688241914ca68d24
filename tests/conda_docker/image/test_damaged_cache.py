"""Builds from a cache in which bits have flipped, of which notes were swapped, or that cannot be written."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.cli.exit_codes import ExitCode
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import CacheError
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.image.base.opening import open_base
from conda_docker.resolution.lock import lock
from python_docker.image import Image
from python_docker.spec.digest import Digest
from python_docker.spec.platform import Platform
from python_docker.transports import open_image, write_image
from python_docker.validation import validate
from tests.archives import only_linux
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.conftest import Run
from tests.damage import flip_a_bit
from tests.peers import Registry

NAMES = ("libone", "libtwo")
DESTINATIONS = ["oci:{}/out", "oci-archive:{}/out.tar", "docker-archive:{}/out.tar"]


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    for name in NAMES:
        synthetic_channel.add(SyntheticPackage(name=name, files={f"lib/{name}": os.urandom(50_000)}))
    return synthetic_channel


@pytest.fixture
def locked(channel: SyntheticChannel) -> LockedEnvironment:
    return lock(NAMES, channels=[channel.url], override_channels=True, platform=Platform())


def build(locked: LockedEnvironment, tmp_path: Path, base: Image | None = None) -> BuildResult:
    return build_image(locked, base, BuildOptions(cache_dir=tmp_path / "cache", bytecode=Bytecode.NEVER))


def blob(tmp_path: Path, digest: Digest) -> Path:
    return tmp_path / "cache/blobs" / digest.algorithm / digest.encoded


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_a_damaged_layer_is_made_again_before_it_goes_anywhere(
    locked: LockedEnvironment, tmp_path: Path, caplog: pytest.LogCaptureFixture, destination: str
) -> None:
    first = build(locked, tmp_path)
    flip_a_bit(blob(tmp_path, first.layers[0].digest))
    second = build(locked, tmp_path)
    assert [layer.cached for layer in second.layers] == [True, True, False]
    with caplog.at_level(logging.WARNING):
        write_image(second.image, destination.format(tmp_path))
    assert f"{blob(tmp_path, first.layers[0].digest)} was damaged and is replaced" in caplog.text
    written = open_image(destination.format(tmp_path))
    assert written.digest == first.image.digest
    assert validate(written).ok
    caplog.clear()
    assert validate(build(locked, tmp_path).image).ok
    assert not caplog.text


def test_a_damaged_layer_is_made_again_before_it_is_pushed(
    locked: LockedEnvironment, tmp_path: Path, registry: Registry, repository: str
) -> None:
    first = build(locked, tmp_path)
    flip_a_bit(blob(tmp_path, first.layers[1].digest))
    location = f"docker://{registry.host}/{repository}:v1"
    write_image(build(locked, tmp_path).image, location)
    assert validate(open_image(location)).ok


def test_a_layer_that_the_registry_has_is_not_even_read(
    locked: LockedEnvironment, tmp_path: Path, registry: Registry, repository: str
) -> None:
    location = f"docker://{registry.host}/{repository}:v1"
    first = build(locked, tmp_path)
    write_image(first.image, location)
    flip_a_bit(blob(tmp_path, first.layers[0].digest))
    write_image(build(locked, tmp_path).image, location)
    assert validate(open_image(location)).ok


def test_a_layer_that_is_damaged_in_the_cache_and_the_layout_it_is_linked_to_is_replaced_in_both(
    locked: LockedEnvironment, tmp_path: Path
) -> None:
    location = f"oci:{tmp_path}/out"
    first = build(locked, tmp_path)
    write_image(first.image, location)
    digest = first.layers[0].digest
    assert blob(tmp_path, digest).samefile(tmp_path / "out/blobs/sha256" / digest.encoded)
    flip_a_bit(blob(tmp_path, digest))
    write_image(build(locked, tmp_path).image, location)
    assert validate(open_image(location)).ok


def test_a_layer_that_another_process_pruned_meanwhile_is_made_again(locked: LockedEnvironment, tmp_path: Path) -> None:
    build(locked, tmp_path)
    second = build(locked, tmp_path)
    shutil.rmtree(tmp_path / "cache/blobs")
    write_image(second.image, f"oci:{tmp_path}/out")
    assert validate(open_image(f"oci:{tmp_path}/out")).ok


def test_a_damaged_base_layer_is_fetched_again(
    locked: LockedEnvironment, tmp_path: Path, registry: Registry, repository: str
) -> None:
    image = Image()
    image.add_layer_contents({"/etc/motd": b"hello\n"})
    write_image(image, f"docker://{registry.host}/{repository}:v1")
    name = f"{registry.host}/{repository}:v1"
    base = open_base(name, Platform(), tmp_path / "cache")
    assert base is not None
    base.list_files()
    for path in (tmp_path / "cache/blobs/sha256").iterdir():
        flip_a_bit(path)  # its config too
    base = open_base(name, Platform(), tmp_path / "cache")
    assert base is not None
    write_image(build(locked, tmp_path, base).image, f"oci:{tmp_path}/out")
    assert validate(open_image(f"oci:{tmp_path}/out")).ok


def test_notes_that_were_swapped_are_not_believed(locked: LockedEnvironment, tmp_path: Path) -> None:
    first = build(locked, tmp_path)
    one, other = (tmp_path / "cache/layers").glob("*/*.json")
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    second = build(locked, tmp_path)
    assert [layer.cached for layer in second.layers] == [False, False, False]
    assert second.image.digest == first.image.digest


def test_a_folder_with_other_files_is_not_used_as_the_cache(locked: LockedEnvironment, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/thesis.txt").write_bytes(b"x")
    with pytest.raises(CacheError, match="it holds other files"):
        build(locked, tmp_path)
    assert os.listdir(tmp_path / "cache") == ["thesis.txt"]


class TestWithoutAHome:
    @only_linux
    @pytest.mark.parametrize(
        ("home", "reason"), [("/proc/nobody", "No such file or directory"), ("/dev/null", "Not a directory")]
    )
    def test_builds_use_a_private_temporary_folder_and_say_so(
        self, program: Run, channel: SyntheticChannel, tmp_path: Path, home: str, reason: str
    ) -> None:
        (tmp_path / "tmp").mkdir()
        # Nobody can make a folder there, not even the superuser.
        env = {"HOME": home, "CONDA_DOCKER_CACHE": "", "TMPDIR": str(tmp_path / "tmp")}
        command = ["build", "-b", "scratch", "-c", channel.url, "--override-channels", "-o", "oci:out", *NAMES]
        first, second = (program(*command, "--json", env=env) for _ in range(2))
        for result in (first, second):
            assert result.returncode == 0, result.stderr
            assert f"{home}/.cache/conda-docker cannot be written: {reason}; using " in result.stderr
            assert "(CONDA_DOCKER_CACHE chooses another folder)" in result.stderr
        assert json.loads(first.stdout)["digest"] == json.loads(second.stdout)["digest"]

    @only_linux
    def test_a_home_that_may_not_be_looked_into_is_none(
        self, environment: dict[str, str], channel: SyntheticChannel, tmp_path: Path
    ) -> None:
        """As root's, in a container that is started with another user."""
        closed = tmp_path / "closed"
        for file in (".rattler/credentials.json", ".docker/config.json", ".netrc", ".condarc", "miniforge3/envs/x/y"):
            (closed / file).parent.mkdir(parents=True, exist_ok=True)
            (closed / file).write_text("{")
        (tmp_path / "tmp").mkdir()
        env = environment | {"HOME": str(closed), "CONDA_DOCKER_CACHE": "", "TMPDIR": str(tmp_path / "tmp")}
        env = {name: value for name, value in env.items() if name not in ("RATTLER_CACHE_DIR", "XDG_CACHE_HOME")}
        # Root may look into everything, unless it has given that up.
        powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
        program = [*powerless, str(Path(sys.executable).with_name("conda-docker"))]
        build = ["build", "-b", "scratch", "-c", channel.url, "--override-channels", "-o", "oci:out", *NAMES]
        closed.chmod(0)
        try:
            for command in (build, ["validate", "oci:out"], ["copy", "oci:out", "docker://127.0.0.1:1/x"]):
                done = subprocess.run(
                    [*program, *command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
                )
                refused = command[0] == "copy"
                assert done.returncode == (ExitCode.NETWORK if refused else 0), done.stderr
                said = [line for line in done.stderr.splitlines() if str(closed) in line]
                assert all(" cannot be written: Permission denied; using " in line for line in said), said
        finally:
            closed.chmod(0o700)

    def test_the_cache_that_was_chosen_is_an_error_that_says_so(
        self, program: Run, channel: SyntheticChannel, tmp_path: Path
    ) -> None:
        (tmp_path / "nothing").write_bytes(b"")
        env = {"CONDA_DOCKER_CACHE": str(tmp_path / "nothing/cache")}
        command = ["build", "-b", "scratch", "-c", channel.url, "--override-channels", "-o", "oci:out", *NAMES]
        result = program(*command, env=env)
        assert (result.returncode, result.stdout) == (1, "")
        assert "nothing/cache cannot be written: Not a directory; choose another folder" in result.stderr
