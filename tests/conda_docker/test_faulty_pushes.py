"""Faults of all kinds while layers are pushed and others are made: nothing is half there, the next build is right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from python_docker.errors import NotFound
from python_docker.files.leftovers import is_partial
from python_docker.image import Image
from python_docker.transports import open_image
from tests import peers
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.faulty_pushes import Scene, scene
from tests.peers.containment import wait_until
from tests.processes import LONG, ended_with_us

ATTEMPTS = 20
LATE = "late-1.0-0.conda"
PACKAGES = [
    SyntheticPackage(name="early", files={"share/early": b"early"}),
    SyntheticPackage(
        name="late", depends=("early",), files={"share/late": File(random.Random(2).randbytes(3_000_000))}
    ),
]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("faulty")) as found:
        yield found


@pytest.mark.parametrize("seed", range(ATTEMPTS))
def test_whatever_befalls_a_push_nothing_is_half_there(faulty: Scene, seed: int) -> None:
    faulty.attempt(1000 + seed)


@dataclass
class Stage:
    """A build of two packages, of which the later does not come until it is let go, to three places."""

    folder: Path
    server: ChannelServer
    registry: peers.Registry
    repository: str
    environment: dict[str, str]
    running: ExitStack

    def begin(self, *, limit: int | None = None) -> subprocess.Popen[bytes]:
        """Begin to build; no file may have more than `limit` blocks of 512 bytes."""
        places = ["-i", f"{self.registry.host}/{self.repository}:1", "--push"]
        places += ["-o", "oci:layout:1", "-o", "oci-archive:image.tar:1"]
        options = ["-b", "scratch", "-c", self.server.url, "--override-channels", "--platform", "linux/amd64"]
        command = [sys.executable, "-m", "conda_docker", "-q", "build", *options, *places, "late"]
        if limit is not None:
            command = ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", *command]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stderr=log)
        return self.running.enter_context(ended_with_us(process))

    def begin_and_wait(self, **options: int) -> subprocess.Popen[bytes]:
        """Begin to build, and return once the early layer is at the registry."""
        before = len(self.registry.requests())
        process = self.begin(**options)
        wait_until(lambda: self._has_layer(before), process, log=self.folder / "log")
        return process

    def _has_layer(self, before: int) -> bool:
        asked = self.registry.requests(since=before)
        return any(f"/{self.repository}/" in each.path and each.method == "PUT" for each in asked)

    def found(self) -> list[Image]:
        """Return what is at the three places."""
        places = [
            f"docker://{self.registry.host}/{self.repository}:1",
            f"oci:{self.folder}/layout:1",
            f"oci-archive:{self.folder}/image.tar:1",
        ]
        images = []
        for place in places:
            with suppress(NotFound):
                images.append(open_image(place))
        return images

    def assert_that_the_next_is_right(self) -> None:
        self.server.held[LATE].set()
        assert self.begin().wait(120) == 0, (self.folder / "log").read_text()
        images = self.found()
        assert len(images) == 3
        assert len({image.digest for image in images}) == 1
        assert "opt/conda/share/late" in images[0].list_files()
        assert not any(is_partial(path.name) for path in self.folder.iterdir()), "leftovers are swept up"


@pytest.fixture
def stage(tmp_path: Path, registry: peers.Registry, repository: str, environment: dict[str, str]) -> Iterator[Stage]:
    channel = SyntheticChannel(tmp_path / "channel")
    channel.add(*PACKAGES)
    server = ChannelServer(channel.folder).start()
    server.held[LATE] = threading.Event()
    with ExitStack() as running:
        running.callback(server.stop)
        running.callback(server.held[LATE].set)
        yield Stage(tmp_path, server, registry, repository, environment, running)


def test_ctrl_c_leaves_nothing(stage: Stage) -> None:
    process = stage.begin_and_wait()
    process.send_signal(signal.SIGINT)
    assert process.wait(LONG) == 130
    assert not stage.server.held[LATE].is_set(), "it did not wait for the package"
    assert stage.found() == []
    assert {path.name for path in stage.folder.iterdir()} == {"cache", "channel", "log", "home"}
    stage.assert_that_the_next_is_right()


def test_kill_leaves_nothing_that_could_be_taken_for_an_image(stage: Stage) -> None:
    process = stage.begin_and_wait()
    process.kill()
    process.wait(LONG)
    assert stage.found() == []
    stage.assert_that_the_next_is_right()


@pytest.mark.skipif(os.name == "nt", reason="there are no limits of files")
def test_a_full_disk_leaves_nothing(stage: Stage) -> None:
    process = stage.begin_and_wait(limit=2000)  # less than the late package has
    stage.server.held[LATE].set()
    assert process.wait(LONG) == 1
    assert "cannot be written: File too large" in (stage.folder / "log").read_text()
    assert stage.found() == []
    stage.assert_that_the_next_is_right()
