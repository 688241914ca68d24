"""`conda-docker sign`: signatures and bills of materials on images that exist."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from conda_docker.cli.exit_codes import ExitCode
from conda_docker.cli.options.attest import PASSWORD_VARIABLES
from python_docker.copying.attached import find_tagged
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.documents.manifest import Index
from python_docker.transports import open_source
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import Run
from tests.peers import Registry
from tests.pseudo_terminal import run_on_terminal
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.signing.keys import PASSWORD, cosign_pem, ecdsa_key, pem, public_pem
from tests.python_docker.signing.private_sigstore import ISSUER, PrivateSigstore

SIGN, CYCLONEDX = "https://sigstore.dev/cosign/sign/v1", "https://cyclonedx.org/bom"
VARIABLES = {"COSIGN_PASSWORD": PASSWORD.decode()}
Sign = Callable[..., CompletedProcess[str]]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return the public key of `cosign.key`, which is encrypted as cosign does it."""
    key = ecdsa_key()
    (tmp_path / "cosign.key").write_bytes(cosign_pem(key))
    (tmp_path / "cosign.pub").write_bytes(public_pem(key))
    return tmp_path / "cosign.pub"


@pytest.fixture(params=["layout", "registry", "registry that knows referrers"])
def place(request: pytest.FixtureRequest, registry: Registry, repository: str) -> Iterator[str]:
    """Return where an image is to be, in each kind of place that it can be signed in."""
    stub = StubRegistry()
    stub.knows_referrers = True
    yield {
        "layout": "oci:out:1",
        "registry": f"docker://{registry.host}/{repository}:1",
        "registry that knows referrers": f"docker://{stub.host}/team/app:1",
    }[request.param]
    stub.stop()


@pytest.fixture
def build(conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> Sign:
    """Return a function that builds an image, and gives what the build printed."""
    synthetic_channel.add(SyntheticPackage(name="tool", files={"bin/tool": b"1"}))

    def run(place: str, *args: str) -> CompletedProcess[str]:
        where = ["-o", place] if place.startswith("oci:") else ["-i", place.removeprefix("docker://"), "--push"]
        asked = ["-c", synthetic_channel.url, "--override-channels", "tool"]
        result = conda_docker("build", "-b", "scratch", "--platform", "linux/amd64", *where, *args, *asked)
        assert result.returncode == 0, result.stderr
        return result

    return run


@pytest.fixture
def sign(conda_docker: Run, key: Path) -> Sign:
    def run(*args: str | Path, **options: Any) -> CompletedProcess[str]:
        return conda_docker("sign", "--key", "cosign.key", *args, **({"env": VARIABLES} | options))

    return run


def root(place: str, folder: Path) -> Any:
    registry = RegistryOptions(insecure=True) if place.startswith("docker:") else None
    return open_source(place.replace("oci:", f"oci:{folder}/"), registry=registry)


def test_an_image_in_each_place(
    place: str, build: Sign, sign: Sign, conda_docker: Run, key: Path, tmp_path: Path
) -> None:
    build(place)
    digest = root(place, tmp_path).root().digest
    assert conda_docker("verify", "--key", key, place).returncode == ExitCode.NOT_SIGNED
    for _ in range(2):  # again, it is the same signature
        result = sign("--json", place)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["signed"] == [{"digest": digest, "platform": None, "predicate_types": [SIGN]}]
    assert root(place, tmp_path).root().digest == digest
    assert len(root(place, tmp_path).referrers(digest)) == 1
    assert conda_docker("verify", "--key", key, place).returncode == 0
    assert conda_docker("validate", place).returncode == 0


def test_in_cosigns_older_form_too(place: str, build: Sign, sign: Sign, conda_docker: Run, key: Path) -> None:
    build(place)
    assert sign("--signature-tag", place).returncode == 0
    result = conda_docker("verify", "--json", "--key", key, place)
    assert [one["form"] for one in json.loads(result.stdout)["signatures"]["signatures"]] == ["bundle", "tag"]


def test_a_multi_platform_image_and_all_in_it(
    place: str, conda_docker: Run, synthetic_channel: SyntheticChannel, sign: Sign, key: Path, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="data", noarch="generic", subdir="noarch", files={"share/data": b"1"}))
    where = ["-o", place] if place.startswith("oci:") else ["-i", place.removeprefix("docker://"), "--push"]
    platforms = ["--platform", "linux/amd64,linux/arm64"]
    asked = ["-c", synthetic_channel.url, "--override-channels", "data"]
    assert conda_docker("build", "-b", "scratch", *platforms, *where, *asked).returncode == 0
    result = sign("--signature-tag", "--sbom", "spdx", place)
    assert result.returncode == 0, result.stderr
    assert [line.partition("(")[2] for line in result.stdout.splitlines() if line.startswith("signed")] == [
        "",
        "linux/amd64)",
        "linux/arm64)",
    ]
    index = root(place, tmp_path).root()
    assert isinstance(index, Index)
    assert len(find_tagged(root(place, tmp_path), [index.digest, *(one.digest for one in index.manifests)])) == 3
    for platform in ([], ["--platform", "linux/arm64"]):
        result = conda_docker("verify", "--key", key, *platform, place)
        assert result.returncode == 0, result.stderr
    assert "stated by the key" in result.stdout


def test_one_platform_alone(conda_docker: Run, synthetic_channel: SyntheticChannel, sign: Sign, key: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="data", noarch="generic", subdir="noarch", files={"share/data": b"1"}))
    platforms = ["--platform", "linux/amd64,linux/arm64"]
    asked = ["-c", synthetic_channel.url, "--override-channels", "data"]
    assert conda_docker("build", "-b", "scratch", *platforms, "-o", "oci:out:1", *asked).returncode == 0
    assert sign("--platform", "linux/arm64", "oci:out:1").returncode == 0
    signed = [
        conda_docker("verify", "--key", key, *platform, "oci:out:1").returncode
        for platform in ([], ["--platform", "linux/amd64"], ["--platform", "linux/arm64"])
    ]
    assert signed == [ExitCode.NOT_SIGNED, ExitCode.NOT_SIGNED, 0]


def test_a_bill_made_of_the_history_is_signed(
    place: str, build: Sign, sign: Sign, conda_docker: Run, key: Path
) -> None:
    build(place)
    result = sign("--sbom", "cyclonedx", place)
    assert result.returncode == 0, result.stderr
    assert f"stated  {CYCLONEDX}" in result.stdout
    shown = conda_docker("inspect", "--sbom", "cyclonedx", place)
    assert {one["name"] for one in json.loads(shown.stdout)["components"]} >= {"tool"}
    assert "note" not in shown.stderr
    assert f"{CYCLONEDX}" in conda_docker("verify", "--key", key, place).stdout


def test_several_bills_of_one_format(build: Sign, sign: Sign, conda_docker: Run, tmp_path: Path) -> None:
    build("oci:out:1")
    for name in ("first", "second"):
        bill = f'{{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [], "serialNumber": "{name}"}}'
        (tmp_path / f"{name}.json").write_text(bill)
        assert sign("--attach", f"{name}.json", "oci:out:1").returncode == 0
    shown = conda_docker("inspect", "--sbom", "cyclonedx", "oci:out:1")
    assert shown.returncode == 0
    assert "2 cyclonedx bills of materials are attached; this is sha256:" in shown.stderr
    assert shown.stderr.count("sha256:") == 2


def test_a_bill_from_elsewhere(build: Sign, sign: Sign, conda_docker: Run, key: Path, tmp_path: Path) -> None:
    build("oci:out:1")
    (tmp_path / "scanned.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": []}')
    assert sign("--attach", "scanned.json", "oci:out:1").returncode == 0
    shown = conda_docker("inspect", "--sbom", "cyclonedx", "oci:out:1").stdout
    assert shown == (tmp_path / "scanned.json").read_text()
    assert CYCLONEDX in conda_docker("verify", "--key", key, "oci:out:1").stdout


@pytest.mark.parametrize("kind", ["spdx", "cyclonedx"])
def test_a_bill_of_another_image_is_refused(build: Sign, sign: Sign, tmp_path: Path, kind: str) -> None:
    build("oci:out:1", "--sbom", kind, "--sbom-output", "own.json")
    build("oci:out:2", "--label", "a=b")
    result = sign("--attach", "own.json", "oci:out:2")
    digest = root("oci:out:2", tmp_path).root().digest
    assert result.returncode == ExitCode.INVALID_INPUT
    assert f", and not of {digest}, which is to be signed; --sbom makes one of that" in result.stderr
    assert root("oci:out:2", tmp_path).referrers(digest) == ()
    assert sign("--attach", "own.json", "oci:out:1").returncode == 0


def test_a_bill_of_another_program_that_names_another_image(build: Sign, sign: Sign, tmp_path: Path) -> None:
    build("oci:out:1")
    component = {"type": "container", "name": "app", "version": f"sha256:{'0' * 64}"}
    (tmp_path / "scanned.json").write_text(json.dumps({"bomFormat": "CycloneDX", "metadata": {"component": component}}))
    result = sign("--attach", "scanned.json", "oci:out:1")
    assert result.returncode == 0
    assert f"scanned.json says that it is of sha256:{'0' * 64}, and not of sha256:" in result.stderr


def test_only_a_bill_that_is_signed(place: str, build: Sign, sign: Sign, conda_docker: Run, tmp_path: Path) -> None:
    """Somebody who may push attaches a newer bill; the one that the key signed is read."""
    build(place, "--sbom", "cyclonedx", "--sbom-output", "own.json")
    (tmp_path / "other.pub").write_bytes(public_pem(ecdsa_key()))
    ask = ["inspect", "--sbom", "cyclonedx", place, "--key"]
    result = conda_docker(*ask, "cosign.pub")
    assert result.returncode == ExitCode.NOT_SIGNED
    assert "is signed by the key cosign.pub: there is no signature; attached there: " in result.stderr
    assert result.stdout == ""
    assert sign("--attach", "own.json", place).returncode == 0
    (tmp_path / "evil.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}')
    (tmp_path / "evil.key").write_bytes(pem(ecdsa_key()))
    assert conda_docker("sign", "--key", "evil.key", "--attach", "evil.json", place).returncode == 0
    result = conda_docker(*ask, "cosign.pub")
    assert (result.returncode, result.stdout) == (0, (tmp_path / "own.json").read_text()), result.stderr
    result = conda_docker(*ask, "other.pub")
    assert result.returncode == ExitCode.WRONG_SIGNATURE
    assert "another key signed it" in result.stderr


def test_a_signature_that_covers_no_bill(build: Sign, sign: Sign, conda_docker: Run, key: Path) -> None:
    build("oci:out:1")
    assert sign("oci:out:1").returncode == 0
    result = conda_docker("inspect", "--sbom", "spdx", "--key", key, "oci:out:1")
    assert result.returncode == ExitCode.WRONG_SIGNATURE
    assert f"who signed only {SIGN}" in result.stderr


@pytest.mark.parametrize("content", ["", "[]", '{"bomFormat": "other"}', '{"spdxVersion": "SPDX-3.0"}', "<bom/>"])
def test_what_is_not_a_bill(content: str, build: Sign, sign: Sign, tmp_path: Path) -> None:
    build("oci:out:1")
    (tmp_path / "bill").write_text(content)
    result = sign("--attach", "bill", "oci:out:1")
    assert result.returncode != 0
    assert "bill is not a bill of materials in JSON" in result.stderr
    assert root("oci:out:1", tmp_path).referrers(root("oci:out:1", tmp_path).root().digest) == ()


@pytest.mark.parametrize("form", [[], ["--signature-tag"]], ids=str)
def test_by_an_identity(form: list[str], place: str, build: Sign, conda_docker: Run, tmp_path: Path) -> None:
    build(place)
    private = PrivateSigstore()
    try:
        (tmp_path / "sigstore.json").write_text(json.dumps(private.trust_config()))
        token = {"SIGSTORE_ID_TOKEN": private.token("someone@example.org")}
        result = conda_docker("sign", "--trust-config", "sigstore.json", *form, place, "--debug", env=token)
        assert result.returncode == 0, result.stderr
        assert token["SIGSTORE_ID_TOKEN"] not in result.stdout + result.stderr
    finally:
        private.stop()
    asked = ["--certificate-oidc-issuer", ISSUER, "--trusted-root", "sigstore.json", "--json", place]
    result = conda_docker("verify", "--certificate-identity", "someone@example.org", *asked)
    assert result.returncode == 0, result.stdout
    forms = [one["form"] for one in json.loads(result.stdout)["signatures"]["signatures"]]
    assert forms == (["bundle", "tag"] if form else ["bundle"])
    result = conda_docker("verify", "--certificate-identity", "other@example.org", *asked)
    assert result.returncode == ExitCode.WRONG_SIGNATURE
    assert json.loads(result.stdout)["signatures"]["outcome"] == "refused"


@pytest.mark.parametrize(("typed", "code"), [(PASSWORD, 0), (b"battery staple", ExitCode.INVALID_INPUT)])
def test_the_password_of_a_key_is_asked_for(typed: bytes, code: int, build: Sign, key: Path, tmp_path: Path) -> None:
    build("oci:out:1")
    environment = {name: value for name, value in os.environ.items() if name not in PASSWORD_VARIABLES}
    session = run_on_terminal(
        [sys.executable, "-m", "conda_docker", "sign", "--key", "cosign.key", "oci:out:1"],
        env=environment,
        cwd=tmp_path,
        interrupt_when=lambda lines: any("Password of cosign.key:" in line for line in lines),
        typed=typed + b"\n",
    )
    assert session.code == code, session.text
    assert typed not in session.raw  # it is not shown


def test_a_key_in_a_variable(build: Sign, conda_docker: Run, key: Path, tmp_path: Path) -> None:
    build("oci:out:1")
    variables = VARIABLES | {"MY_KEY": (tmp_path / "cosign.key").read_text()}
    assert conda_docker("sign", "--key", "env://MY_KEY", "oci:out:1", env=variables).returncode == 0
    assert conda_docker("verify", "--key", key, "oci:out:1").returncode == 0
    variables = {"MY_KEY": key.read_text()}
    assert conda_docker("verify", "--key", "env://MY_KEY", "oci:out:1", env=variables).returncode == 0


@pytest.mark.parametrize(
    ("place", "code", "message"),
    [
        ("env://MISSING", 4, "the variable MISSING, which should hold the key, is not set"),
        ("awskms:///alias/key", 7, "keys in awskms cannot be used: give a PEM file, or env://NAME"),
        ("folder/missing.key", 4, "cannot read the key"),
        (".", 7, "cannot read the key"),
    ],
)
def test_a_key_that_is_not_there(place: str, code: int, message: str, build: Sign, conda_docker: Run) -> None:
    build("oci:out:1")
    result = conda_docker("sign", "--key", place, "oci:out:1")
    assert result.returncode == code
    assert message in result.stderr


def test_a_key_in_a_pipe_is_not_waited_for(build: Sign, conda_docker: Run, tmp_path: Path) -> None:
    build("oci:out:1")
    os.mkfifo(tmp_path / "key")
    result = conda_docker("sign", "--key", "key", "oci:out:1")
    assert result.returncode == 7
    assert "cannot read the key key: not a regular file" in result.stderr


def test_without_a_key_and_an_identity(build: Sign, conda_docker: Run) -> None:
    build("oci:out:1")
    result = conda_docker("sign", "oci:out:1")
    assert result.returncode == 1
    assert "there is no identity to sign with" in result.stderr


def test_an_engine_is_not_asked(sign: Sign) -> None:
    result = sign("docker-daemon:demo:1")
    assert "nothing can be attached to the image in docker-daemon:demo:1" in result.stderr


@pytest.mark.parametrize("archive", ["out.tar", "oci-archive:out.tar:1"])
def test_an_archive_cannot_be_changed(archive: str, build: Sign, conda_docker: Run, sign: Sign, tmp_path: Path) -> None:
    build("oci:out:1")
    target = archive if ":" in archive else f"docker-archive:{archive}:a:1"
    assert conda_docker("copy", "oci:out:1", target).returncode == 0
    before = (tmp_path / "out.tar").read_bytes()
    result = sign(archive)
    assert result.returncode != 0
    assert "nothing can be attached to the image in" in result.stderr
    assert "copy it to a registry or an OCI layout" in result.stderr
    assert (tmp_path / "out.tar").read_bytes() == before


def test_a_tag_that_moves_keeps_what_it_names_then(
    build: Sign, sign: Sign, conda_docker: Run, registry: Registry, repository: str, key: Path
) -> None:
    """Another push comes between reading the image and signing it: here the signature says what was read."""
    place = f"docker://{registry.host}/{repository}:1"
    build(place)
    first = root(place, Path()).root().digest
    assert sign(place).returncode == 0
    build(place, "--label", "a=b")
    assert root(place, Path()).root().digest != first
    assert sign(place.replace(":1", f"@{first}")).returncode == 0
    assert root(place, Path()).root().digest != first
    assert conda_docker("verify", "--key", key, place).returncode == ExitCode.NOT_SIGNED
    assert conda_docker("verify", "--key", key, f"{place.removesuffix(':1')}@{first}").returncode == 0


def test_a_layout_that_is_gone(build: Sign, sign: Sign, tmp_path: Path) -> None:
    build("oci:out:1")
    shutil.rmtree(tmp_path / "out")
    result = sign("oci:out:1")
    assert result.returncode != 0
    assert "there is no folder" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--key", "k", "--trust-config", "c"], "are mutually exclusive"),
    ],
)
def test_options_that_do_not_go_together(options: list[str], message: str, conda_docker: Run) -> None:
    result = conda_docker("sign", *options, "oci:out:1")
    assert result.returncode == 2
    assert message in result.stderr
