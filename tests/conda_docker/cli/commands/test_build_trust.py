"""`conda-docker build --provenance` and `--sign-key`, and `verify --key`: what is attached to images, and by whom."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import quote

import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1.statement import Statement

from conda_docker.cli.exit_codes import ExitCode
from python_docker.copying.referrer import read_referrers
from python_docker.registry.access.options import RegistryOptions
from python_docker.signing.bundle import BUNDLE_TYPE
from python_docker.signing.statement import MEDIA_TYPE
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.transports import open_source
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import LAYERS, Run
from tests.images import hello_config, write_oci_layout
from tests.peers import Program, Registry
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.signing.keys import PASSWORD, cosign_pem, ecdsa_key, pem, public_pem
from tests.python_docker.signing.private_sigstore import ISSUER, PrivateSigstore

SLSA, SIGN = "https://slsa.dev/provenance/v1", "https://sigstore.dev/cosign/sign/v1"
PACKAGE = SyntheticPackage(
    name="tool", depends=("library",), files={"bin/tool": b"1"}, index={"timestamp": 1_700_000_000_000}
)
LIBRARY = SyntheticPackage(name="library", files={"lib/library": b"1"})
Build = Callable[..., CompletedProcess[str]]


@pytest.fixture
def build(conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> Build:
    """Return a function that builds an image from an environment.yml."""
    synthetic_channel.add(PACKAGE, LIBRARY)
    file = tmp_path / "environment.yml"
    file.write_text(f"channels: [{synthetic_channel.url}, nodefaults]\ndependencies: [tool]\n")

    def run(*args: str | Path, base: str = "scratch", **options: Any) -> CompletedProcess[str]:
        return conda_docker("build", "-b", base, "-f", file, "--platform", "linux/amd64", *args, **options)

    return run


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a key: private and public."""
    key = ecdsa_key()
    (tmp_path / "cosign.key").write_bytes(pem(key))
    (tmp_path / "cosign.pub").write_bytes(public_pem(key))
    return tmp_path / "cosign.key", tmp_path / "cosign.pub"


@pytest.fixture(params=["knows referrers", "lists them by a tag"])
def host(request: pytest.FixtureRequest, registry: Registry, repository: str) -> Iterator[str]:
    """Return the start of the name of an image in each kind of registry."""
    if request.param == "lists them by a tag":
        yield f"{registry.host}/{repository}"
        return
    stub = StubRegistry()
    stub.knows_referrers = True
    yield f"{stub.host}/team/app"
    stub.stop()


def documents(place: str, media_type: str, digest: Any = None) -> list[dict[str, Any]]:
    source = open_source(place, registry=RegistryOptions(insecure=True) if place.startswith("docker:") else None)
    try:
        subject = digest or source.root().digest
        return [json.loads(content) for content in read_referrers(source, subject, media_type)]
    finally:
        source.close()


def statements(place: str) -> dict[str, dict[str, Any]]:
    """Return the signed statements about an image, by what they are."""
    found = [json.loads(base64.b64decode(one["dsseEnvelope"]["payload"])) for one in documents(place, BUNDLE_TYPE)]
    return {one["predicateType"]: one for one in found}


def test_provenance_is_a_statement_of_slsa(build: Build, tmp_path: Path, synthetic_channel: SyntheticChannel) -> None:
    write_oci_layout(tmp_path / "base", LAYERS, runtime=hello_config())
    result = build("-o", "oci:out:1", "--provenance", "--env", "SECRET=hidden", base="oci:base")
    assert result.returncode == 0, result.stderr
    [value] = documents(f"oci:{tmp_path}/out:1", MEDIA_TYPE)
    Statement.copy_from_pb(ParseDict(value, Statement([], "", {}).pb)).validate()
    message = ParseDict(value["predicate"], provenance_pb2.Provenance())
    assert message.run_details.builder.id == "https://github.com/conda-incubator/conda-docker"
    definition = value["predicate"]["buildDefinition"]
    needed = {one["name"]: one for one in definition["resolvedDependencies"]}
    assert needed.keys() == {"base image", "tool-1.0-0", "library-1.0-0", "environment.yml"}
    assert needed["tool-1.0-0"]["digest"] == {"sha256": synthetic_channel.record(PACKAGE)["sha256"]}
    assert needed["tool-1.0-0"]["uri"].startswith("pkg:conda/tool@1.0?")
    assert definition["externalParameters"]["files"] == ["environment.yml"]
    assert definition["externalParameters"]["base"] == "oci:base"
    assert definition["internalParameters"]["layerFormat"] == 5
    assert value["subject"][0]["digest"]["sha256"] == open_source(f"oci:{tmp_path}/out:1").root().digest.encoded
    text = json.dumps(value)
    assert "hidden" not in text
    assert "metadata" not in value["predicate"]["runDetails"]
    assert str(tmp_path) not in text
    assert quote(str(tmp_path), safe="") not in text


def test_two_builds_say_and_sign_the_same(build: Build, keys: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        result = build("-o", f"oci:{name}:1", "--provenance", "--sign-key", keys[0], "--sbom", "spdx")
        assert result.returncode == 0, result.stderr
    one, two = (sorted(path.name for path in (tmp_path / name).rglob("*")) for name in ("one", "two"))
    assert one == two


def test_times_are_stated_when_asked_for(build: Build, tmp_path: Path) -> None:
    builder = "https://github.com/org/app/.github/workflows/image.yml@refs/heads/main"
    result = build("-o", "oci:out:1", "--provenance", "--provenance-times", "--builder-id", builder)
    assert result.returncode == 0, result.stderr
    [value] = documents(f"oci:{tmp_path}/out:1", MEDIA_TYPE)
    details = value["predicate"]["runDetails"]
    assert details["builder"]["id"] == builder
    assert details["metadata"]["startedOn"] <= details["metadata"]["finishedOn"]


def test_signed_and_verified(build: Build, conda_docker: Run, keys: tuple[Path, Path], host: str) -> None:
    result = build("-i", f"{host}:1", "--push", "--provenance", "--sbom", "cyclonedx", "--sign-key", keys[0])
    assert result.returncode == 0, result.stderr
    assert statements(f"docker://{host}:1").keys() == {SIGN, SLSA, "https://cyclonedx.org/bom"}
    result = conda_docker("verify", "--key", keys[1], f"docker://{host}:1")
    assert result.returncode == 0, result.stderr
    assert "signed by the key" in result.stdout
    assert f"stated by the key {keys[1]}: {SLSA}" in result.stdout
    copied = conda_docker("copy", f"docker://{host}:1", "oci:copy:1")
    assert copied.returncode == 0, copied.stderr
    assert conda_docker("verify", "--key", keys[1], "oci:copy:1").returncode == 0


@pytest.mark.parametrize("place", ["registry", "layout"])
def test_the_report_names_what_was_attached_and_signed(
    place: str, build: Build, keys: tuple[Path, Path], host: str, conda_docker: Run, tmp_path: Path
) -> None:
    where = ["-i", f"{host}:1", "--push"] if place == "registry" else ["-o", "oci:out:1"]
    signing = ["--provenance", "--sbom", "spdx", "--sign-key", keys[0], "--signature-tag"]
    result = build(*where, *signing, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    [output] = report["outputs"]
    attached = output["attached"]
    assert [(one["kind"], one["signed"]) for one in attached] == [
        ("sbom", False),
        ("provenance", False),
        ("signature", True),
        ("sbom", True),
        ("provenance", True),
        ("signature", True),
    ]
    assert {one["subject"] for one in attached} == {report["digest"]}
    source = f"docker://{host}:1" if place == "registry" else "oci:out:1"
    listed = json.loads(conda_docker("inspect", "--json", source).stdout)["attached"]
    assert {one["digest"] for one in listed} == {one["digest"] for one in attached}
    text = build(*where, *signing).stdout
    if place == "layout":
        assert {one["reference"] for one in attached} == {None}
        assert f"signed   SPDX bill {attached[3]['digest']}" in text
        return
    assert [one["reference"] for one in attached[:-1]] == [f"{host}@{one['digest']}" for one in attached[:-1]]
    assert attached[-1]["reference"] == f"{host}:{report['digest'].replace(':', '-')}.sig"
    assert conda_docker("inspect", f"docker://{attached[0]['reference']}").returncode == 0
    assert f"signed   image {attached[2]['reference']}" in text
    assert f"attached provenance {attached[1]['reference']}" in text


def test_the_report_of_several_platforms_and_of_what_is_in_the_index(
    build: Build, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    options = ["--provenance", "--buildkit-attestations", "--sign-key", keys[0]]
    [output] = json.loads(build("-o", "oci:out:1", *options, "--json").stdout)["outputs"]
    assert [one["kind"] for one in output["attached"]] == [
        *("provenance", "signature", "provenance", "attestation manifest", "signature")
    ]
    assert output["attached"][-1]["subject"] == output["digest"]


def test_nothing_is_attached(build: Build) -> None:
    [output] = json.loads(build("-o", "oci:out:1", "--json").stdout)["outputs"]
    assert output["attached"] == []


def test_by_another_key(build: Build, conda_docker: Run, keys: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "other.pub").write_bytes(public_pem(ecdsa_key()))
    assert build("-o", "oci:out:1", "--sign-key", keys[0]).returncode == 0
    result = conda_docker("verify", "--key", "other.pub", "oci:out:1", "--rebuild", "--json")
    assert result.returncode == ExitCode.WRONG_SIGNATURE
    report = json.loads(result.stdout)
    assert report["signatures"]["verified"] is False
    assert report["signatures"]["outcome"] == "refused"
    assert report["signatures"]["refused"][0].endswith(": another key signed it")
    assert report["rebuild"] is None


def test_any_of_several_keys(build: Build, conda_docker: Run, keys: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("other", "third"):
        (tmp_path / f"{name}.pub").write_bytes(public_pem(ecdsa_key()))
    assert build("-o", "oci:out:1", "--sign-key", keys[0]).returncode == 0
    for given in ((keys[1], "other.pub"), ("other.pub", keys[1])):
        result = conda_docker("verify", "--key", given[0], "--key", given[1], "oci:out:1")
        assert (result.returncode, f"signed by the key {keys[1]}" in result.stdout) == (0, True)
    result = conda_docker("verify", "--key", "other.pub", "--key", "third.pub", "oci:out:1")
    assert result.returncode == ExitCode.WRONG_SIGNATURE
    assert "no signature by the key other.pub or the key third.pub" in result.stdout


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (("--sign-key", "cosign.key", "--sign-key=other.key"), 2, "--sign-key is given more than once"),
        (("--sign-key", ""), 2, "the path is empty"),
        (("--sign-key", "env://EMPTY_KEY"), 7, "the variable EMPTY_KEY, which should hold the key, is empty"),
        (("--sign-key", "env://WRONG_KEY"), 7, "the key env://WRONG_KEY is not a private key"),
        (("--sign-key", "cosign.pub"), 7, "the key cosign.pub is a public key"),
    ],
)
@pytest.mark.usefixtures("keys")
def test_keys_that_cannot_be_meant(build: Build, given: tuple[str, ...], code: int, message: str) -> None:
    result = build("-o", "oci:out:1", *given, env={"EMPTY_KEY": "", "WRONG_KEY": "1"})
    assert (result.returncode, message in result.stderr) == (code, True), result.stderr


def test_not_signed(build: Build, conda_docker: Run, keys: tuple[Path, Path]) -> None:
    assert build("-o", "oci:out:1", "--provenance").returncode == 0
    result = conda_docker("verify", "--key", keys[1], "oci:out:1")
    assert (result.returncode, result.stdout.split()[0:2]) == (ExitCode.NOT_SIGNED, ["NOT", "SIGNED"])


def test_signed_and_made_again(build: Build, conda_docker: Run, keys: tuple[Path, Path]) -> None:
    assert build("-o", "oci:out:1", "--sign-key", keys[0]).returncode == 0
    result = conda_docker("verify", "--key", keys[1], "--rebuild", "--strict", "oci:out:1")
    assert result.returncode == 0, result.stderr


def test_the_signature_of_another_image_does_not_count(
    build: Build, conda_docker: Run, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    """Somebody attaches the signature of one image to another."""
    assert build("-o", "oci:signed:1", "--sign-key", keys[0]).returncode == 0
    assert build("-o", "oci:other:1", "--label", "a=b").returncode == 0
    source = open_source(f"oci:{tmp_path}/signed:1")
    [content] = read_referrers(source, source.root().digest, BUNDLE_TYPE)
    from python_docker.copying.copy import copy_manifest
    from python_docker.copying.referrer import Referrer, put_referrer
    from python_docker.transports import destination

    other = open_source(f"oci:{tmp_path}/other:1")
    root = other.root()
    assert isinstance(root, Manifest)
    with destination(f"oci:{tmp_path}/forged:1") as target:
        copy_manifest(other, root, target)
        put_referrer(Referrer(BUNDLE_TYPE, content), root, target)
    result = conda_docker("verify", "--key", keys[1], "oci:forged:1")
    assert result.returncode == ExitCode.WRONG_SIGNATURE
    assert "it is about another image" in result.stdout


def test_in_cosigns_older_form(
    build: Build, conda_docker: Run, keys: tuple[Path, Path], host: str, tmp_path: Path
) -> None:
    second = ecdsa_key()
    (tmp_path / "second.key").write_bytes(cosign_pem(second))
    (tmp_path / "second.pub").write_bytes(public_pem(second))
    variables = {"COSIGN_PASSWORD": PASSWORD.decode()}
    for key in (keys[0], tmp_path / "second.key"):
        result = build("-i", f"{host}:1", "--push", "--signature-tag", "--sign-key", key, env=variables)
        assert result.returncode == 0, result.stderr
    options = RegistryOptions(insecure=True)
    image = open_source(f"docker://{host}:1", registry=options).root()
    tag = image.digest.replace(":", "-") + ".sig"
    signatures = open_source(f"docker://{host}:{tag}", registry=options).root()
    assert isinstance(signatures, Manifest)
    assert [layer.media_type for layer in signatures.layers] == ["application/vnd.dev.cosign.simplesigning.v1+json"] * 2
    for public in (keys[1], tmp_path / "second.pub"):
        result = conda_docker("verify", "--json", "--key", public, f"docker://{host}:1")
        assert result.returncode == 0, result.stderr
        assert {one["form"] for one in json.loads(result.stdout)["signatures"]["signatures"]} == {"bundle", "tag"}


def test_an_encrypted_key_and_its_password(build: Build, conda_docker: Run, tmp_path: Path) -> None:
    key = ecdsa_key()
    (tmp_path / "k").write_bytes(pem(key, PASSWORD))
    (tmp_path / "k.pub").write_bytes(public_pem(key))
    right, wrong = ({"CONDA_DOCKER_SIGN_PASSWORD": text} for text in (PASSWORD.decode(), "battery staple"))
    assert build("-o", "oci:out:1", "--sign-key", "k", env=right).returncode == 0
    assert conda_docker("verify", "--key", "k.pub", "oci:out:1").returncode == 0
    refused = build("-o", "oci:no:1", "--sign-key", "k", "--debug", env=wrong)
    assert refused.returncode == ExitCode.INVALID_INPUT
    assert "password is wrong" in refused.stderr
    asked = build("-o", "oci:no:1", "--sign-key", "k")
    assert "CONDA_DOCKER_SIGN_PASSWORD" in asked.stderr
    assert not (tmp_path / "no").exists()
    for text in (refused.stderr, asked.stderr):
        assert "battery" not in text
        assert "horse" not in text


def test_nothing_of_the_key_is_written_anywhere(build: Build, keys: tuple[Path, Path], tmp_path: Path) -> None:
    result = build("-o", "oci:out:1", "--sign-key", keys[0], "--provenance", "--debug", "-v")
    assert result.returncode == 0, result.stderr
    secret = keys[0].read_text().splitlines()[1]
    written = [
        path.read_bytes() for folder in ("out", "cache") for path in (tmp_path / folder).rglob("*") if path.is_file()
    ]
    assert not any(secret.encode() in content for content in written)
    assert secret not in result.stderr + result.stdout


def test_in_buildkits_form(build: Build, keys: tuple[Path, Path], host: str, skopeo: Program, tmp_path: Path) -> None:
    """As docs/attestations/attestation-storage.md of moby/buildkit has it."""
    result = build(
        "-i", f"{host}:1", "--push", "--provenance", "--sbom", "spdx", "--buildkit-attestations", "--sign-key", keys[0]
    )
    assert result.returncode == 0, result.stderr
    source = open_source(f"docker://{host}:1", registry=RegistryOptions(insecure=True))
    index = source.root()
    assert isinstance(index, Index)
    image, attestation = index.manifests
    assert attestation.platform == {"architecture": "unknown", "os": "unknown"}
    assert attestation.annotations == {
        "vnd.docker.reference.digest": image.digest,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    manifest = source.child(attestation)
    assert isinstance(manifest, Manifest)
    assert manifest.artifact_type == "application/vnd.docker.attestation.manifest.v1+json"
    found = {(layer.annotations or {})["in-toto.io/predicate-type"]: layer for layer in manifest.layers}
    assert found.keys() == {"https://spdx.dev/Document", SLSA}
    statement = json.loads(source.blob(found[SLSA]).read())
    assert statement["subject"][0]["digest"]["sha256"] == image.digest.encoded
    assert statements(f"docker://{host}:1").keys() == {SIGN}  # on the index
    assert len(documents(f"docker://{host}:1", BUNDLE_TYPE, image.digest)) == 3
    skopeo("copy", f"docker://{host}:1", f"oci:{tmp_path}/one:1")
    skopeo("copy", "--all", f"docker://{host}:1", f"oci:{tmp_path}/all:1")
    assert open_source(f"oci:{tmp_path}/all:1").root().digest == index.digest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sbom-files"], "--sbom-files needs --sbom"),
        (["--provenance-times"], "--provenance-times needs --provenance"),
        (["--builder-id", "https://ci.example.org"], "--builder-id needs --provenance"),
        (["--provenance", "--builder-id", "me"], "--builder-id must be a URI, such as https://"),
        (["--provenance", "--builder-id", ""], "--builder-id must be a URI"),
        (["--provenance", "--builder-id", "https://ci.example.org/a b"], "--builder-id must be a URI"),
        (["--provenance", "--builder-id", "https:///app"], "--builder-id must name a host after https://"),
        (["--sign", "--sign-key", "k"], "are mutually exclusive"),
        (["--signature-tag"], "--signature-tag needs --sign-key or --sign"),
        (["--trust-config", "config.json"], "--trust-config needs --sign"),
        (["--buildkit-attestations"], "needs something to put there"),
        (["--buildkit-attestations", "--sbom", "cyclonedx"], "needs something to put there"),
    ],
)
def test_options_that_do_not_go_together(build: Build, options: list[str], message: str) -> None:
    result = build("-o", "oci:out:1", *options)
    assert result.returncode == 2
    assert message in result.stderr


def test_a_place_that_holds_images_alone(build: Build, keys: tuple[Path, Path]) -> None:
    result = build("-o", "out.tar", "--sign-key", keys[0])
    assert result.returncode == 2
    assert "nothing can be attached to the image in docker-archive:out.tar" in result.stderr


def test_without_an_identity(build: Build, tmp_path: Path) -> None:
    result = build("-o", "oci:out:1", "--sign")
    assert result.returncode == 1
    assert "there is no identity to sign with" in result.stderr
    assert not (tmp_path / "out").exists()


WORKFLOW = "https://ci.example.org/team/app/.workflows/image.yml"


@pytest.fixture
def sigstore(tmp_path: Path) -> Iterator[PrivateSigstore]:
    """Return a Sigstore of one's own, whose trust configuration is `sigstore.json`."""
    private = PrivateSigstore()
    (tmp_path / "sigstore.json").write_text(json.dumps(private.trust_config()))
    yield private
    private.stop()


def test_by_an_identity_of_a_sigstore_of_ones_own(
    build: Build, conda_docker: Run, sigstore: PrivateSigstore, host: str, tmp_path: Path
) -> None:
    token = {"SIGSTORE_ID_TOKEN": sigstore.token(WORKFLOW)}
    result = build(
        "-i", f"{host}:1", "--push", "--provenance", "--sign", "--trust-config", "sigstore.json", "--debug", env=token
    )
    assert result.returncode == 0, result.stderr
    # One certificate for all that is signed, and the token goes to nobody else.
    assert sigstore.certified == 1
    assert token["SIGSTORE_ID_TOKEN"] not in result.stdout + result.stderr
    assert not any(token["SIGSTORE_ID_TOKEN"].encode() in content for content in sigstore.requests)
    issued = ["--certificate-oidc-issuer", ISSUER, "--trusted-root", "sigstore.json", f"docker://{host}:1"]
    result = conda_docker("verify", "--certificate-identity", WORKFLOW, *issued)
    assert result.returncode == 0, result.stderr + result.stdout
    assert f"stated by {WORKFLOW}: {SLSA}" in result.stdout
    result = conda_docker("verify", "--certificate-identity", WORKFLOW + "x", *issued)
    assert (result.returncode, "SANs do not match" in result.stdout) == (ExitCode.WRONG_SIGNATURE, True)


def test_a_bill_that_an_identity_signed(
    build: Build, conda_docker: Run, sigstore: PrivateSigstore, host: str, tmp_path: Path
) -> None:
    token = {"SIGSTORE_ID_TOKEN": sigstore.token(WORKFLOW)}
    options = ["--sbom", "spdx", "--sbom-output", "bill.json", "--sign", "--trust-config", "sigstore.json"]
    result = build("-i", f"{host}:1", "--push", *options, env=token)
    assert result.returncode == 0, result.stderr
    ask = ["inspect", "--sbom", "spdx", "--certificate-oidc-issuer", ISSUER, "--trusted-root", "sigstore.json"]
    read = conda_docker(*ask, "--certificate-identity", WORKFLOW, f"docker://{host}:1")
    assert (read.returncode, read.stdout) == (0, (tmp_path / "bill.json").read_text()), read.stderr
    other = conda_docker(*ask, "--certificate-identity", "other@example.org", f"docker://{host}:1")
    assert (other.returncode, other.stdout) == (ExitCode.WRONG_SIGNATURE, "")


def test_a_sigstore_that_refuses(build: Build, sigstore: PrivateSigstore, tmp_path: Path) -> None:
    token = sigstore.token(WORKFLOW)
    sigstore.refusal = 403, json.dumps({"message": f"not {token}"}).encode()
    options = ["--sign", "--trust-config", "sigstore.json", "--debug"]
    result = build("-o", "oci:out:1", *options, env={"SIGSTORE_ID_TOKEN": token})
    assert result.returncode == 1
    assert "Sigstore did not sign" in result.stderr
    assert token not in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_key_that_is_not_there(build: Build, conda_docker: Run) -> None:
    assert "cannot read the key missing.key" in build("-o", "oci:out:1", "--sign-key", "missing.key").stderr
    assert "cannot read the key missing.pub" in conda_docker("verify", "--key", "missing.pub", "oci:out").stderr
