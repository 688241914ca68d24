"""RegistryOptions: how to talk to a registry, and as whom."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from python_docker.argument_types import check_number, check_optional, check_type
from python_docker.errors import CredentialsError, InvalidReference, InvalidVariable
from python_docker.http.options import HttpOptions
from python_docker.registry.access.address import DOCKER_HUB_URL, RegistryAddress
from python_docker.spec.docker_hub import DOCKER_HUB, URL_VARIABLE

if TYPE_CHECKING:
    from python_docker.registry.access.places import BlobPlaces

USERNAME_VARIABLE: Final = "CONDA_DOCKER_REGISTRY_USERNAME"
PASSWORD_VARIABLE: Final = "CONDA_DOCKER_REGISTRY_PASSWORD"  # noqa: S105 -- the name of a variable


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RegistryOptions(HttpOptions):
    """How to talk to a registry. Sizes are in bytes.

    `username` and `password`, or `token` (sent as it is, as a bearer token), are used for the one registry that they
    are given with, or for `credentials_for` alone when that names a host. Without them credentials are looked for in
    the files and programs that Docker and Podman keep them in, unless `use_credential_files` is false.

    >>> RegistryOptions(username="alice", password="secret")
    RegistryOptions(...)
    """

    username: str | None = None
    password: str | None = None
    token: str | None = None
    credentials_for: str | None = None
    use_credential_files: bool = True
    docker_hub: str | None = None
    """Address of the registry that names without a host are in; Docker Hub when it is None."""
    chunk_size: int | None = None
    """Upload in chunks of this size; None sends a blob in one request, and in chunks only where that fails."""
    parallel: int = 5
    """How many blobs are downloaded at once."""
    places: BlobPlaces | None = field(default=None, compare=False)
    """What remembers which repositories have a blob that is pushed; None remembers nothing."""

    def __post_init__(self) -> None:
        HttpOptions.__post_init__(self)
        for name in ("username", "password", "token", "credentials_for", "docker_hub"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):  # which is not shown: it may be a secret
                raise TypeError(f"{name} must be str, not {type(value).__name__}")
        check_type("use_credential_files", self.use_credential_files, bool)
        if self.chunk_size is not None:
            check_number("chunk_size", self.chunk_size, least=1)
        check_number("parallel", self.parallel, least=1)
        if (self.username is None) != (self.password is None):
            raise CredentialsError("a user name and a password are needed together; only one of them was given")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **fields: Any) -> RegistryOptions:
        """Return options as environment variables have them; `fields` win over these.

        `CONDA_DOCKER_REGISTRY_URL` names the registry that names without a host are in, in place of Docker Hub.
        `CONDA_DOCKER_REGISTRY_USERNAME` and `_PASSWORD` go to that registry (Docker Hub when there is no such URL)
        and to no other. `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` name certificates to trust. Raises
        `InvalidVariable` for a URL that is not one.

        >>> RegistryOptions.from_environment({"CONDA_DOCKER_REGISTRY_URL": "https://hub.example.org"}).docker_hub
        'https://hub.example.org'
        """
        check_optional("environ", environ, Mapping)
        environ = os.environ if environ is None else environ
        found: dict[str, Any] = {"environ": environ}
        url = environ.get(URL_VARIABLE) or None
        username, password = environ.get(USERNAME_VARIABLE), environ.get(PASSWORD_VARIABLE)
        if url:
            default_domain(environ)
            found["docker_hub"] = url
        if username and password and not {"username", "token"} & fields.keys():
            found |= {"username": username, "password": password}
            found["credentials_for"] = RegistryAddress.parse(url or DOCKER_HUB_URL).domain
        bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
        if bundle:
            found["ca_bundle"] = bundle
        return cls(**(found | fields))

    def address_of(self, domain: str) -> RegistryAddress:
        """Return the address of the registry that references call `domain`."""
        if self.docker_hub is not None:
            instead = RegistryAddress.parse(self.docker_hub)
            if domain == instead.domain:
                return instead
        return RegistryAddress.parse(domain)

    @property
    def default_domain(self) -> str:
        """The registry of names without a host, as references call it."""
        return DOCKER_HUB if self.docker_hub is None else RegistryAddress.parse(self.docker_hub).domain


def default_domain(environ: Mapping[str, str]) -> str:
    """Return the registry of names without a host, as references call it. Raises `InvalidVariable`.

    >>> default_domain({"CONDA_DOCKER_REGISTRY_URL": "https://hub.example.org/"})
    'hub.example.org'
    """
    url = environ.get(URL_VARIABLE)
    if not url:
        return DOCKER_HUB
    try:
        return RegistryAddress.parse(url).domain
    except InvalidReference as error:
        raise InvalidVariable(f"{URL_VARIABLE}: {error}") from error
