"""Registries: whether they answer, and as whom they let us in; and the clock, which they tell."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime

from conda_docker.doctor.check import Check, Status, ok
from python_docker.errors import AccessDenied, Error
from python_docker.registry.access.options import RegistryOptions, default_domain
from python_docker.registry.auth.credential_files import find_credentials, known_registries
from python_docker.registry.client import RegistryClient

_SECONDS = 10.0
_OTHERS = "only images of Docker Hub need it, such as the default base; --base chooses another"
_MOST_SKEW = 300  # seconds; tokens are valid for as long, mostly


OptionsOf = Callable[[str], RegistryOptions]
"""Returns how to talk to the registry of a host."""


def _by_environment(domain: str) -> RegistryOptions:
    return RegistryOptions.from_environment()


def check_registries(
    named: Sequence[str] = (), *, offline: bool = False, options_of: OptionsOf = _by_environment
) -> Iterator[Check]:
    """Yield a check of the registry of names without a host, of those with credentials here and of those `named`.

    Where others are named, builds may do without that of names without a host (Docker Hub, as a rule).

    `offline`, of the files with credentials alone, where these cannot be read.
    """
    try:
        known = known_registries(os.environ)
    except Error as error:
        yield Check("credentials of registries", Status.ERROR, str(error), "correct it, or log in again")
        known = []
    if offline:
        return
    skew: float | None = None
    default = default_domain(os.environ)
    for domain in dict.fromkeys([*named, default, *known]):
        check, told = _check(domain, options_of(domain))
        if check.status is Status.ERROR and domain == default and named and domain not in (*named, *known):
            check = replace(check, status=Status.WARNING, advice=_OTHERS)
        skew = told if skew is None else skew
        yield check
    if skew is not None:
        yield _check_clock(skew)


def _check(domain: str, options: RegistryOptions) -> tuple[Check, float | None]:
    """Return the check of a registry, and by how many seconds this machine's clock is ahead of its own."""
    subject = f"registry {domain}"
    options = options.with_fields(connect_timeout=_SECONDS, read_timeout=_SECONDS, attempts=1)
    begun = time.monotonic()
    client = None
    try:
        credentials = find_credentials(domain, "", os.environ)
        client = RegistryClient(options.address_of(domain), options)
        answer = client.session.request("GET", "/v2/", action="log in")
    except AccessDenied as error:
        return Check(subject, Status.ERROR, str(error), f"log in again: `docker login {domain}`"), None
    except Error as error:
        return Check(subject, Status.ERROR, str(error)), None
    finally:
        if client is not None:
            client.close()
    login = f"logged in by {credentials.place}" if credentials else "no credentials"
    found = f"answers in {time.monotonic() - begun:.2f} s, {login}"
    try:
        [date] = answer.header_values("date")
        skew = time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        skew = None
    return ok(subject, found), skew


def _check_clock(skew: float) -> Check:
    if abs(skew) > _MOST_SKEW:
        found = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the registry's"
        return Check("clock", Status.ERROR, found, "set the clock: certificates and tokens are checked against it")
    return ok("clock", "agrees with the registry's")
