"""Whoever may push to a repository can list anything as attached to an image; what is sound there still counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from python_docker.copying.referrer import EMPTY_CONFIG, Referrer
from python_docker.registry.access.options import RegistryOptions
from python_docker.signing.bundle import BUNDLE_TYPE
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import referrers_tag
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Manifest, referrer_descriptor
from python_docker.spec.media_types import OCI_INDEX, OCI_MANIFEST
from python_docker.transports import open_source
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import Run
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.signing.keys import ecdsa_key, pem, public_pem

BILL = "application/spdx+json"
Hostile = Callable[[Manifest], tuple[Descriptor, Manifest | None]]


def gone(subject: Manifest) -> tuple[Descriptor, Manifest | None]:
    return Descriptor.of(b"gone", OCI_MANIFEST), None


def about_another(subject: Manifest) -> tuple[Descriptor, Manifest | None]:
    manifest = Referrer("x", b"{}").manifest(Descriptor.of(b"{}", OCI_MANIFEST))
    return manifest.descriptor, manifest


def another_size(subject: Manifest) -> tuple[Descriptor, Manifest | None]:
    manifest = Referrer("x", b"{}").manifest(subject.descriptor)
    return manifest.descriptor.replace(size=manifest.size + 1), manifest


def listed(subject: Manifest, kind: str, hostile: list[Hostile]) -> tuple[list[dict[str, Any]], list[Manifest]]:
    """Return entries of a list for what is hostile, newest of all, and the manifests to be stored."""
    entries, manifests = [], []
    for make in hostile:
        descriptor, manifest = make(subject)
        annotations = {"org.opencontainers.image.created": "2099-01-01T00:00:00Z"}
        entries.append(descriptor.replace(artifact_type=kind, annotations=annotations).to_json())
        manifests += [manifest] if manifest is not None else []
    return entries, manifests


@pytest.fixture
def place(stub: StubRegistry, conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> str:
    """Return an image with a bill and signatures, listed with entries that are gone, of others, or of a wrong size."""
    key = ecdsa_key()
    (tmp_path / "k").write_bytes(pem(key))
    (tmp_path / "k.pub").write_bytes(public_pem(key))
    synthetic_channel.add(SyntheticPackage(name="tool", files={"bin/tool": b"1"}))
    asked = ["-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64", "tool"]
    name = f"{stub.host}/team/app:1"
    attached = ["--sbom", "spdx", "--sign-key", "k"]
    assert conda_docker("build", "-b", "scratch", "-i", name, "--push", *attached, *asked).returncode == 0
    subject = open_source(f"docker://{name}", registry=RegistryOptions(insecure=True)).root()
    assert isinstance(subject, Manifest)
    tag = ("team/app", referrers_tag(subject.digest))
    value = json.loads(stub.manifests[tag][1])
    for kind in (BILL, BUNDLE_TYPE):
        entries, manifests = listed(subject, kind, [gone, about_another, another_size])
        value["manifests"] = [*entries, *value["manifests"]]
        for manifest in manifests:
            stub.manifests["team/app", manifest.digest] = manifest.media_type, manifest.raw
    stub.manifests[tag] = OCI_INDEX, json.dumps(value).encode()
    return f"docker://{name}"


def test_the_signature_still_counts(place: str, conda_docker: Run) -> None:
    result = conda_docker("verify", "--key", "k.pub", place)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("refused: ") == 3
    assert "does not say so itself" in result.stdout


def test_the_bill_is_still_read(place: str, conda_docker: Run) -> None:
    result = conda_docker("inspect", "--sbom", "spdx", place)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["spdxVersion"] == "SPDX-2.3"
    assert "made from the image's history" not in result.stderr


def test_what_is_sound_is_copied(place: str, conda_docker: Run) -> None:
    result = conda_docker("copy", place, "oci:copy:1")
    assert result.returncode == 0, result.stderr
    assert "is not copied: " in result.stderr
    assert conda_docker("verify", "--key", "k.pub", "oci:copy:1").returncode == 0
    assert conda_docker("validate", "oci:copy:1").returncode == 0
    assert conda_docker("copy", "--referrers", place, "oci:asked:1").returncode != 0


def test_validation_names_each(place: str, conda_docker: Run) -> None:
    result = conda_docker("validate", place)
    assert result.returncode == 1
    assert "does not say so itself" in result.stdout
    assert "not found" in result.stdout


def test_a_document_that_says_that_it_is_huge(place: str, stub: StubRegistry, conda_docker: Run) -> None:
    subject = open_source(place, registry=RegistryOptions(insecure=True)).root()
    config = Descriptor.of(b"{}", EMPTY_CONFIG)
    document = Descriptor.new(BILL, Digest.of(b"huge"), 1 << 40)
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": BILL,
        "config": config.to_json(),
        "layers": [document.to_json()],
        "subject": subject.descriptor.to_json(),
    }
    manifest = Manifest.build(value)
    tag = ("team/app", referrers_tag(subject.digest))
    listed = json.loads(stub.manifests[tag][1])
    listed["manifests"] = [referrer_descriptor(manifest).to_json(), *listed["manifests"]]
    stub.manifests[tag] = OCI_INDEX, json.dumps(listed).encode()
    stub.manifests["team/app", manifest.digest] = manifest.media_type, manifest.raw
    result = conda_docker("inspect", "--sbom", "spdx", place)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["spdxVersion"] == "SPDX-2.3"
