"""Contact: how a registry is reached, found out by the first that asks, for all sessions with it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from python_docker.errors import RegistryError
from python_docker.http.client import HttpClient
from python_docker.http.failure import Cause, HttpError
from python_docker.http.retry import with_retries
from python_docker.http.url import is_loopback, origin
from python_docker.registry.failures import registry_error

if TYPE_CHECKING:
    from python_docker.http.connections.tls import HostCertificates
    from python_docker.http.options import HttpOptions
    from python_docker.http.response import Response
    from python_docker.registry.access.address import RegistryAddress


class Contact:
    """The connections to a registry, whether it speaks TLS, and how it wants its clients to log in.

    Any number of threads, and of sessions, may use it: nothing in it depends on who they are. Nothing is sent before
    the first use of `base_url`.
    """

    def __init__(self, address: RegistryAddress, options: HttpOptions) -> None:
        self.address = address
        self.options = options
        self.http = HttpClient(options, self._certificates)
        self._lock = threading.RLock()
        self._base: str | None = None
        self._tries = 0
        self._failure: RegistryError | None = None
        self._challenges: list[str] = []

    def serves(self, address: RegistryAddress, options: HttpOptions) -> bool:
        """Return whether it is one to that address, made as `options` have it: as safe, and as patient."""
        own = self.options
        return address == self.address and own.transport == options.transport and own.environ is options.environ

    @property
    def base_url(self) -> str:
        """What URLs of the registry start with. The first use finds out whether it speaks TLS, and how to log in.

        Raises `RegistryError`, to all who waited for the same try.
        """
        tries = self._tries
        with self._lock:
            if self._base is None:
                if self._failure is not None and self._tries != tries:
                    raise self._failure
                try:
                    self._base = self._connect()
                except RegistryError as error:
                    self._failure = error
                    raise
                finally:
                    self._tries += 1
            return self._base

    @property
    def challenges(self) -> Sequence[str]:
        """How the registry asked for a login when it was first spoken to; empty where it did not."""
        _ = self.base_url
        return self._challenges

    def _connect(self) -> str:
        if self.address.scheme is not None:
            schemes: tuple[str, ...] = (self.address.scheme,)
        elif is_loopback(self.address.host):
            schemes = ("http", "https")
        else:
            schemes = ("https", "http") if self.options.insecure else ("https",)
        try:
            response = with_retries(lambda: self._ping(schemes), self.options)
        except HttpError as error:
            raise registry_error(error) from None
        if response.status == 429 or response.status >= 500:
            from python_docker.registry.refusal import refusal_error

            raise refusal_error(response, "connect", docker_hub=self.address.is_docker_hub)
        # Any other refusal is none: some registries do not serve this path.
        came = urlsplit(response.url)
        base = self.address.url("https" if came.scheme == "https" else "http")
        if urlsplit(base).hostname == came.hostname:
            # Where plain HTTP was redirected to TLS, the rest goes there directly.
            base = urlsplit(base)._replace(netloc=came.netloc).geturl()
        if response.status == 401 and origin(response.url) == origin(base):
            self._challenges = response.header_values("www-authenticate")
        return base

    def _ping(self, schemes: Sequence[str]) -> Response:
        """Return the answer to the first request of all (distribution-spec, "Determining Support")."""
        failures: list[HttpError] = []
        refusal: Response | None = None
        for scheme in schemes:
            try:
                with self.http.send("GET", self.address.url(scheme) + "/v2/") as response:
                    response.error_content()
            except HttpError as error:
                failures.append(error)
                continue
            if scheme == "http" and response.status == 400 and len(schemes) > 1:
                # So servers say that they want TLS.
                refusal = response
                continue
            return response
        if refusal is not None and all(failure.cause is Cause.NO_TLS for failure in failures):
            return refusal
        raise next((failure for failure in reversed(failures) if failure.cause is not Cause.NO_TLS), failures[-1])

    def _certificates(self, host: str) -> HostCertificates | None:
        from python_docker.registry.access.certificates import host_certificates

        return host_certificates(host, self.options.environ)
