"""How a command talks to registries, as its options say."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from python_docker.errors import Error, NotFound

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.registry.access.places import BlobPlaces
    from python_docker.transports.location import Location


class Login(NamedTuple):
    """A name and a password, for one registry."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "Login(...)"


class Access(NamedTuple):
    """How a command reaches registries, as its options say; the login is for the registry of its image alone."""

    insecure: tuple[str, ...] = ()
    cacert: Path | None = None
    username: str | None = None
    password_stdin: bool = False

    def to(self, location: Location, *, places: BlobPlaces | None = None) -> RegistryOptions | None:
        """Return how to talk to the registry that a location names, without the login; see `registry_options`."""
        return registry_options(location, insecure=self.insecure, ca_bundle=self.cacert, places=places)

    def to_host(self, host: str) -> RegistryOptions:
        """Return how to talk to the registry at a host, such as `ghcr.io`."""
        from python_docker.registry.access.options import RegistryOptions

        fields: dict[str, Any] = {} if self.cacert is None else {"ca_bundle": self.cacert}
        fields["insecure"] = host.lower() in {each.lower() for each in self.insecure}
        return RegistryOptions.from_environment(**fields)

    def to_image(self, source: Location) -> RegistryOptions | None:
        """Return how to talk to the registry of the command's image, logged in; the password is read now."""
        login = read_logins({"--username": self.username}, password_stdin=self.password_stdin)["--username"]
        return registry_options(source, insecure=self.insecure, ca_bundle=self.cacert, login=login)


def registry_options(
    location: Location,
    *,
    insecure: Sequence[str] | None = None,
    always_insecure: bool = False,
    ca_bundle: Path | None = None,
    login: Login | None = None,
    places: BlobPlaces | None = None,
) -> RegistryOptions | None:
    """Return how to talk to the registry that a location names; None when it names none.

    `insecure` are the hosts whose certificates are not checked; `places` remembers where blobs are pushed. Raises
    `NotFound` when there is no file `ca_bundle`.
    """
    if location.transport != "docker":
        return None
    from python_docker.registry.access.options import RegistryOptions

    reference = location.reference()
    assert reference is not None
    hosts = {host.lower() for host in insecure or ()}
    fields: dict[str, Any] = {"insecure": always_insecure or bool({reference.domain, reference.api_host} & hosts)}
    if places is not None:
        fields["places"] = places
    check_bundle(ca_bundle)
    if ca_bundle is not None:
        fields["ca_bundle"] = ca_bundle
    if login is None:
        return RegistryOptions.from_environment(**fields)
    options = RegistryOptions.from_environment(**fields, username=login.username, password=login.password)
    # Of the registry that is really talked to: another may stand in the place of Docker Hub.
    return options.with_fields(credentials_for=options.address_of(reference.domain).domain)


def check_bundle(path: Path | None) -> None:
    """Raise `NotFound` for certificates that are not there, whether or not they turn out to be needed."""
    if path is not None and not path.exists():
        raise NotFound(f"there is no file {path} (--cacert)")


def read_logins(usernames: Mapping[str, str | None], *, password_stdin: bool) -> dict[str, Login | None]:
    """Return the logins for names that were given with options such as `--username`, by option.

    The password comes from standard input when `password_stdin` says so, else from the environment variable that
    belongs to the option (`CONDA_DOCKER_PASSWORD`), else it is asked for on the terminal. Raises a usage error when
    there is none. It is never an argument: every user of a machine can read those.
    """
    given = [option for option, username in usernames.items() if username is not None]
    if password_stdin and len(given) != 1:
        if given:
            variables = " and ".join(map(_variable_of, given))
            raise click.UsageError(
                f"--password-stdin gives one password, but there are {' and '.join(given)}; set {variables} instead"
            )
        raise click.UsageError(f"--password-stdin needs {' or '.join(usernames)}")
    return {
        option: None if username is None else Login(username, _read_password(option, username, stdin=password_stdin))
        for option, username in usernames.items()
    }


def _variable_of(option: str) -> str:
    """Return the variable of the password that belongs to an option such as `--dest-username`."""
    return "CONDA_DOCKER_" + option.removeprefix("--").removesuffix("username").replace("-", "_").upper() + "PASSWORD"


def _read_password(option: str, username: str, *, stdin: bool) -> str:
    if stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise Error("there is no password on standard input (--password-stdin)")
        return password
    variable = _variable_of(option)
    if password := os.environ.get(variable, ""):
        return password
    if not sys.stdin.isatty():
        raise click.BadParameter(
            f"give the password on standard input, with --password-stdin, or as environment variable {variable}",
            param_hint=option,
        )
    from getpass import getpass

    return getpass(f"Password of {username}: ")
