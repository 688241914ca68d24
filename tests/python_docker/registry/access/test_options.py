"""RegistryOptions."""

from __future__ import annotations

import pytest

from python_docker.errors import CredentialsError
from python_docker.registry.access.options import RegistryOptions

VARIABLES = {
    "CONDA_DOCKER_REGISTRY_URL": "http://mirror.example.org:5000",
    "CONDA_DOCKER_REGISTRY_USERNAME": "alice",
    "CONDA_DOCKER_REGISTRY_PASSWORD": "s3cret",
}


def test_environment() -> None:
    options = RegistryOptions.from_environment(VARIABLES)
    assert options.docker_hub == "http://mirror.example.org:5000"
    assert (options.username, options.password) == ("alice", "s3cret")
    assert options.credentials_for == "mirror.example.org:5000"


def test_user_without_url_is_docker_hubs() -> None:
    del (variables := dict(VARIABLES))["CONDA_DOCKER_REGISTRY_URL"]
    assert RegistryOptions.from_environment(variables).credentials_for == "docker.io"


def test_empty_variables_say_nothing() -> None:
    options = RegistryOptions.from_environment(dict.fromkeys(VARIABLES, ""))
    assert (options.docker_hub, options.username, options.credentials_for) == (None, None, None)


def test_given_fields_win() -> None:
    options = RegistryOptions.from_environment(VARIABLES, username="bob", password="x", insecure=True)
    assert (options.username, options.credentials_for, options.insecure) == ("bob", None, True)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates(name: str) -> None:
    assert RegistryOptions.from_environment({name: "/etc/ca.pem"}).ca_bundle == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("domain", "url"),
    [
        ("docker.io", "https://registry-1.docker.io"),
        ("mirror.example.org:5000", "http://mirror.example.org:5000"),
        ("ghcr.io", "https://ghcr.io"),
    ],
)
def test_address_of(domain: str, url: str) -> None:
    assert RegistryOptions.from_environment(VARIABLES).address_of(domain).url() == url


def test_address_of_docker_hub() -> None:
    assert RegistryOptions().address_of("docker.io").url() == "https://registry-1.docker.io"


def test_repr_tells_nothing() -> None:
    assert repr(RegistryOptions.from_environment(VARIABLES)) == "RegistryOptions(...)"


@pytest.mark.parametrize("fields", [{"chunk_size": 0}, {"attempts": 0}, {"parallel": 0}])
def test_senseless_numbers(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        RegistryOptions(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("fields", [{"username": "alice"}, {"password": "secret"}])
def test_half_a_login(fields: dict[str, str]) -> None:
    with pytest.raises(CredentialsError):
        RegistryOptions(**fields)  # type: ignore[arg-type]
