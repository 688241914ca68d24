"""Certificates for one registry, in the folders of Docker and Podman."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker.errors import ConnectionFailed, CredentialsError
from python_docker.http.connections.tls import HostCertificates
from python_docker.registry.access import certificates
from python_docker.registry.access.certificates import host_certificates
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from tests.python_docker.registry.certificates import Certified, self_signed
from tests.python_docker.registry.stub_registry import StubRegistry

Started = Callable[[StubRegistry], StubRegistry]


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    return self_signed(tmp_path / "tls")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def keep(folder: Path, host: str, **files: Path) -> Path:
    """Copy files into the folder of a host, under names with a dot for each underscore."""
    (place := folder / "certs.d" / host).mkdir(parents=True)
    for name, file in files.items():
        (place / name.replace("_", ".")).write_bytes(file.read_bytes())
    return place


@pytest.mark.parametrize("folder", [".config/containers", ".config/docker", ".docker"])
def test_an_authority_is_trusted_for_its_host_alone(
    folder: str, home: Path, started: Started, certified: Certified, options: RegistryOptions
) -> None:
    known = started(StubRegistry(tls=certified.server_context()))
    other = started(StubRegistry(tls=certified.server_context()))
    keep(home / folder, known.host, ca_crt=certified.certificate)
    RegistryClient(known.url, options).check_access()
    with pytest.raises(ConnectionFailed, match=r"certs\.d") as caught:
        RegistryClient(other.url, options).check_access()
    assert caught.value.cause == "certificate"


def test_system_folders(
    tmp_path: Path, started: Started, certified: Certified, options: RegistryOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = started(StubRegistry(tls=certified.server_context()))
    keep(tmp_path / "etc", server.host, ca_crt=certified.certificate)
    assert (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d")) == certificates.SYSTEM_FOLDERS
    monkeypatch.setattr(certificates, "SYSTEM_FOLDERS", (tmp_path / "etc" / "certs.d",))
    RegistryClient(server.url, options).check_access()


def test_other_certificates_stay_trusted(
    home: Path, tmp_path: Path, started: Started, certified: Certified, options: RegistryOptions
) -> None:
    server = started(StubRegistry(tls=certified.server_context()))
    keep(home / ".docker", server.host, ca_crt=self_signed(tmp_path / "unrelated").certificate)
    RegistryClient(server.url, options.with_fields(ca_bundle=certified.certificate)).check_access()


def test_a_client_certificate_is_shown(
    home: Path, tmp_path: Path, started: Started, certified: Certified, options: RegistryOptions
) -> None:
    ours = self_signed(tmp_path / "ours", "client")
    context = certified.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ours.certificate)
    server = started(StubRegistry(tls=context))
    keep(
        home / ".docker",
        server.host,
        ca_crt=certified.certificate,
        client_cert=ours.certificate,
        client_key=ours.key_file,
    )
    RegistryClient(server.url, options).check_access()


@pytest.mark.parametrize(("name", "missing"), [("client_cert", "client.key"), ("client_key", "client.cert")])
def test_half_a_pair_is_refused(home: Path, certified: Certified, name: str, missing: str) -> None:
    keep(home / ".docker", "example.org", **{name: certified.certificate})
    with pytest.raises(CredentialsError, match=missing):
        host_certificates("example.org", {"HOME": str(home)})


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_bad_certificate_is_named(
    home: Path, tmp_path: Path, started: Started, certified: Certified, options: RegistryOptions, content: bytes
) -> None:
    server = started(StubRegistry(tls=certified.server_context()))
    (bad := tmp_path / "bad").write_bytes(content)
    place = keep(home / ".docker", server.host, ca_crt=bad)
    with pytest.raises(ConnectionFailed) as caught:
        RegistryClient(server.url, options).check_access()
    assert str(place / "ca.crt") in str(caught.value)


@pytest.mark.parametrize(
    ("host", "folder"),
    [("example.org", "example.org:443"), ("example.org:443", "example.org"), ("[::1]:5000", "[::1]:5000")],
)
def test_ports(home: Path, certified: Certified, host: str, folder: str) -> None:
    place = keep(home / ".docker", folder, ca_crt=certified.certificate)
    assert host_certificates(host, {"HOME": str(home)}) == HostCertificates((place / "ca.crt",))
    assert host_certificates("example.org:5000", {"HOME": str(home)}) is None


def test_a_folder_that_cannot_be_read_is_passed_over(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = home / ".docker" / "certs.d"
    folder.mkdir(parents=True)
    (folder / "example.org").symlink_to("example.org")
    host_certificates("example.org", {"HOME": str(home)})
    assert "cannot be read" in caplog.text
