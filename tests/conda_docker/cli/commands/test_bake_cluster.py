"""`conda-docker bake --scheduler`: what needs the user's files and keys is done here, all else by workers."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conda_docker.attestation.slsa import PREDICATE_TYPE
from python_docker.copying.referrer import read_referrers
from python_docker.signing.bundle import BUNDLE_TYPE
from python_docker.signing.statement import MEDIA_TYPE
from python_docker.transports import open_image, open_source
from python_docker.transports.location import Location
from python_docker.validation import validate
from tests.conda_docker.baking.cluster.dask_processes import Cluster
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.cli.conftest import Run
from tests.conda_docker.pypi.test_project import write_project
from tests.peers import Registry


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a cluster of two workers."""
    made = Cluster(tmp_path / "cluster", {}).start(2)
    yield made
    made.stop()


@pytest.fixture
def server(synthetic_channel: SyntheticChannel, tmp_path: Path) -> Iterator[ChannelServer]:
    """Return a server of a channel, with two environments of it in the folder `modules`; some paths meet."""
    synthetic_channel.add(
        SyntheticPackage(name="python", version=platform.python_version(), files={"share/x": b"1"}),
        SyntheticPackage(name="tool", files={"share/x": b"2", "lib/large": b"x" * 300_000}),
    )
    running = ChannelServer(synthetic_channel.folder).start()
    for name, specs in (("python", "python"), ("tool", "python, tool")):
        path = tmp_path / "modules" / name / "environment.yml"
        path.parent.mkdir(parents=True)
        path.write_text(f"channels: ['{running.url}']\ndependencies: [{specs}]\n")
    yield running
    running.stop()


def test_files_bills_provenance_and_signatures_are_added_here(
    conda_docker: Run, cluster: Cluster, server: ChannelServer, tmp_path: Path, registry: Registry, repository: str
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "own.txt").write_text("mine\n")
    write_project(tmp_path / "app")
    options = (
        *("bake", "modules", "-b", "scratch", "-j1", "--json", "--push"),
        *("--add", "own.txt:/srv/own.txt", "--project", "app"),
        *("--sbom", "spdx", "--provenance", "--sign-key", "key.pem", "--signature-tag"),
    )
    name = f"{registry.host}/{repository}"
    here = conda_docker(*options, "-i", f"{name}/here/{{name}}")
    assert here.returncode == 0, here.stderr
    there = conda_docker(
        *(*options, "-i", f"{name}/there/{{name}}", "--cache-dir", str(tmp_path / "client")),
        *("--cache-to", f"{name}/layers", "--scheduler", cluster.address),
    )
    assert there.returncode == 0, there.stderr
    report = json.loads(there.stdout)
    digests = {each["name"]: each["digest"] for each in report["images"]}
    assert digests == {each["name"]: each["digest"] for each in json.loads(here.stdout)["images"]}
    assert report["layers"]["known"] == 0
    assert not list((tmp_path / "client").glob("packages/*"))
    assert all(path.stat().st_size < 300_000 for path in (tmp_path / "client").glob("blobs/sha256/*"))
    for tool in digests:
        image = open_image(f"docker://{name}/there/{tool}")
        assert not validate(image).problems
        source = open_source(Location("docker", "", f"{name}/there/{tool}"))
        for kind, number in (("application/spdx+json", 1), (MEDIA_TYPE, 1), (BUNDLE_TYPE, 3)):
            assert len(list(read_referrers(source, source.root().digest, kind))) == number, kind
        [statement] = read_referrers(source, source.root().digest, MEDIA_TYPE)
        assert json.loads(statement)["predicateType"] == PREDICATE_TYPE
        source.close()
    taken = re.findall(r'"GET /v2/\S+/blobs/sha256:\S+" 200 (\d+)', registry.log())
    assert all(int(size) < 300_000 for size in taken)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-o", "out"], "workers write to registries, and not to oci:out/python, which is on this machine: use --push"),
        (["--push", "--disk", "1GB"], "--disk bounds the cache of this machine"),
        (["--push", "--cache-image"], "layers are looked up in the layer repository of --cache-to"),
    ],
)
def test_what_a_cluster_cannot_do_is_said_with_the_reason(
    conda_docker: Run, server: ChannelServer, args: list[str], said: str
) -> None:
    options = ("-b", "scratch", "-i", "localhost:1/{name}", "--cache-to", "localhost:1/layers")
    result = conda_docker("bake", "modules", *options, "--scheduler", "tcp://127.0.0.1:1", *args)
    assert result.returncode == 2
    assert said in result.stderr
