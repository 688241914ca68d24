"""Two machines that share nothing but a registry: other networks, users, homes and caches.

Each is a network namespace of its own, with another user. It takes root to make one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conda_docker.layers.stores.artifact import PLAN_TYPE
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.spec.documents.manifest import Manifest
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.damage import flip_a_bit
from tests.peers import Registry, start_registry
from tests.peers.availability import find_program

PACKAGES = [
    SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": b"python"}),
    SyntheticPackage(name="numpy", depends=("python",), files={"lib/numpy.so": b"numpy" * 10_000, "share/x": b"1"}),
    SyntheticPackage(name="flask", depends=("numpy",), files={"share/x": b"2", "share/flask": b"flask"}),
]
NETWORK = os.getpid() % 60 * 4
"""The third number of addresses; several test processes may run at once."""
HERE = f"198.18.{NETWORK}.1"
"""This machine, for both: an address of RFC 2544, which belongs to nobody."""
FIRST_USER = 61_001


def sh(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@dataclass(frozen=True, slots=True)
class Machine:
    """A network namespace, and a user who builds there."""

    name: str
    user: int
    python: str
    home: Path

    @classmethod
    def start(cls, number: int, folder: Path, python: str, closing: ExitStack) -> Machine:
        machine = cls(f"cd-{os.getpid()}-{number}", FIRST_USER + number, python, folder / f"home-{number}")
        outside, inside = f"cd{os.getpid() % 100_000}o{number}", f"cd{os.getpid() % 100_000}i{number}"
        sh("ip", "netns", "add", machine.name)
        closing.callback(sh, "ip", "netns", "delete", machine.name)
        sh("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", machine.name)
        sh("ip", "address", "add", f"198.18.{NETWORK + number}.1/24", "dev", outside)
        sh("ip", "link", "set", outside, "up")
        there = ("ip", "-netns", machine.name)
        sh(*there, "address", "add", f"198.18.{NETWORK + number}.2/24", "dev", inside)
        sh(*there, "link", "set", inside, "up")
        sh(*there, "route", "add", "default", "via", f"198.18.{NETWORK + number}.1")
        machine.home.mkdir()
        os.chown(machine.home, machine.user, machine.user)
        return machine

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python there, as the user."""
        user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--bounding-set=-all"]
        variables = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *user, self.python, *arguments],
            env=variables,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@dataclass(slots=True)
class Site:
    """Two machines, with a registry and a channel that both reach."""

    machines: Sequence[Machine]
    registry: Registry
    registry_host: str
    server: ChannelServer
    builds: int = 0

    def build(self, machine: Machine, *options: str) -> tuple[Mapping[str, Any], str]:
        """Build with an empty cache; return the report, and what was said besides."""
        self.builds += 1
        self.server.requests.clear()
        channel = ["-c", self.server.url, "--override-channels", "-b", "scratch", "--bytecode", "never"]
        cache = ["--cache-dir", f"cache-{self.builds}", "--insecure", self.registry_host]
        done = machine.run("-m", "conda_docker", "build", *channel, *cache, *options, "--json", "flask")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    def downloads(self) -> list[str]:
        return [path for _, path in self.server.requests if path.endswith(".conda")]


_STARTS_ITSELF = """import subprocess, sys
subprocess.run([sys.executable, "-c", "import conda_docker.cli, rattler"], check=True)"""


def python_for_everybody() -> str:
    """Return a Python like this one that another user may run; skips where there is none."""
    name = f"python3.{sys.version_info.minor}"
    for python in filter(None, (sys.executable, shutil.which(name, path="/usr/local/bin:/usr/bin"))):
        drop = ["setpriv", f"--reuid={FIRST_USER}", f"--regid={FIRST_USER}", "--clear-groups", "--bounding-set=-all"]
        probe = subprocess.run(
            [*drop, python, "-c", _STARTS_ITSELF],
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HOME": "/nonexistent"},
            cwd="/",
            capture_output=True,
            check=False,
        )
        if probe.returncode == 0:
            return python
    pytest.skip("another user may not run this Python, nor another of its version")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("network namespaces and other users need root on Linux")
    if find_program("ip") is None or find_program("setpriv") is None:
        pytest.skip("ip (Debian package iproute2) or setpriv is missing")
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="two-machines-")))
        folder.chmod(0o755)
        try:
            machines = [Machine.start(number, folder, python_for_everybody(), closing) for number in (1, 2)]
            sh("ip", "address", "add", f"{HERE}/32", "dev", "lo")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine refuses network namespaces: {error.stderr.strip()}")
        closing.callback(sh, "ip", "address", "delete", f"{HERE}/32", "dev", "lo")
        channel = SyntheticChannel(folder / "channel")
        channel.add(*PACKAGES)
        server = ChannelServer(channel.folder, address=HERE).start()
        closing.callback(server.stop)
        registry = start_registry(folder / "registry", config={"http": {"addr": ":0"}})
        closing.callback(registry.stop)
        yield Site(machines, registry, f"{HERE}:{registry.port}", server)


def test_they_are_other_machines(site: Site) -> None:
    who = "import os, socket; print(os.getuid(), os.path.expanduser('~'), sorted(n for _, n in socket.if_nameindex()))"
    first, second = (machine.run("-c", who).stdout.split() for machine in site.machines)
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert first[2:] != second[2:]
    assert str(os.getuid()) not in (first[0], second[0])


def test_what_one_made_the_other_neither_downloads_nor_makes(site: Site) -> None:
    layers, image = f"{site.registry_host}/known/layers", f"{site.registry_host}/known/image"
    first, _ = site.build(site.machines[0], "-i", f"{image}:1", "--push", "--cache-to", layers)
    assert len(site.downloads()) == 3
    second, _ = site.build(site.machines[1], "-i", f"{image}:2", "--push", "--cache-from", layers)
    assert site.downloads() == []
    assert second["digest"] == first["digest"]


def corrupt(client: RegistryClient, path: str, blob: Path) -> None:
    """Change a bit of a layer."""
    flip_a_bit(blob)


def vanish(client: RegistryClient, path: str, blob: Path) -> None:
    """Remove a layer, not its entry."""
    blob.unlink()


def lie(client: RegistryClient, path: str, blob: Path) -> None:
    """Give each entry the key of another."""
    [tags] = client.tags(path)
    entries = {tag: found for tag in tags if isinstance(found := client.manifest(path, tag), Manifest)}
    plan = next(tag for tag, entry in entries.items() if entry.artifact_type == PLAN_TYPE)
    client.delete_manifest(path, entries.pop(plan).digest)
    keys = sorted(entries)
    for key, other in zip(keys, keys[1:] + keys[:1], strict=True):
        client.put_manifest(path, key, entries[other])


@pytest.mark.parametrize(
    ("damage", "said"), [(corrupt, "is made again"), (vanish, "is made again"), (lie, "it is of another recipe")]
)
def test_a_damaged_repository_is_survived(
    site: Site, damage: Callable[[RegistryClient, str, Path], None], said: str
) -> None:
    path = f"{damage.__name__}/layers"
    first, _ = site.build(site.machines[0], "-o", "oci:out", "--cache-to", f"{site.registry_host}/{path}")
    [platform] = first["platforms"]
    numpy = next(layer["digest"] for layer in platform["layers"] if layer["packages"] == ["numpy"]).partition(":")[2]
    blobs = site.registry.storage / "docker/registry/v2/blobs/sha256"
    damage(RegistryClient(site.registry.host, RegistryOptions()), path, blobs / numpy[:2] / numpy / "data")
    with suppress(OSError):
        shutil.rmtree(site.machines[1].home / "out")
    second, errors = site.build(site.machines[1], "-o", "oci:out", "--cache-from", f"{site.registry_host}/{path}")
    assert second["digest"] == first["digest"]
    assert said in errors
    valid = site.machines[1].run("-m", "conda_docker", "validate", "oci:out")
    assert valid.returncode == 0, valid.stdout
