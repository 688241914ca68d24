"""HttpClient: one request and its answer, over pooled connections, through proxies, with redirects followed by hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urljoin, urlsplit

from python_docker.http.body import Body
from python_docker.http.connections.diagnosis import http_error
from python_docker.http.connections.direct import Connections
from python_docker.http.connections.proxy import proxy_for
from python_docker.http.failure import Cause, HttpError
from python_docker.http.response import Response
from python_docker.http.url import check_url, host_of, public_url
from python_docker.interruption import check_interruption
from python_docker.time_limit import check_time
from python_docker.version import __version__

if TYPE_CHECKING:
    from python_docker.http.connections.tls import HostCertificates
    from python_docker.http.options import HttpOptions
    from python_docker.http.response import RawAnswer

_log = logging.getLogger("python_docker.http")
USER_AGENT: Final = f"conda-docker/{__version__}"
_MAX_REDIRECTS = 10
_REDIRECTS = {301, 302, 303, 307, 308}


class _Connections(Protocol):
    def request(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> RawAnswer: ...

    def close(self) -> None: ...


class HttpClient:
    """Sends single requests; whether to try again is for others to decide. Safe to use from any number of threads.

    `certificates` is asked for the certificates of each host (with its port, where the URL names one) once.
    """

    def __init__(
        self, options: HttpOptions, certificates: Callable[[str], HostCertificates | None] = lambda host: None
    ) -> None:
        self._options = options
        self._certificates_of = certificates
        self._lock = threading.RLock()
        self._certificates: dict[str, HostCertificates | None] = {}
        self._known: dict[tuple[str | None, bool, HostCertificates | None], _Connections] = {}
        self._reached: set[str] = set()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        follow: bool = True,
        authorization: Callable[[str], str | None] | None = None,
    ) -> Response:
        """Send a request and `follow` redirects: all of GET and HEAD, and of others those that keep the method.

        `authorization` is asked for the `Authorization` header of each URL on the way: what is meant for one host must
        not reach another (distribution-spec, "Endpoints"). Raises `HttpError`.
        """
        url = check_url(url)
        for _ in range(_MAX_REDIRECTS):
            response = self._send_once(method, url, headers or {}, body, authorization(url) if authorization else None)
            location = response.headers.get("location")
            followed = _REDIRECTS if method in {"GET", "HEAD"} else {307, 308}
            if not follow or response.status not in followed or not location:
                return response
            response.discard()
            url = self._redirect_target(url, location)
        raise HttpError(Cause.REDIRECT, host_of(url))

    def _redirect_target(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location)
        except ValueError:
            raise HttpError(Cause.ADDRESS, public_url(location)) from None
        target = check_url(target)
        if urlsplit(target).scheme == "http" and urlsplit(url).scheme == "https" and not self._options.insecure:
            raise HttpError(Cause.UNENCRYPTED, host_of(url), public_url(target))
        return target

    def _send_once(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None, authorization: str | None
    ) -> Response:
        check_interruption()  # of many threads that wait for one connection, none begins another
        # A compressed answer would have another digest.
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        if body is not None:
            sent["Content-Length"] = str(body.size)
        if authorization is not None:
            sent["Authorization"] = authorization
        host = urlsplit(url).netloc
        try:
            raw = self._connections(url).request(method, url, sent, body)
        except (HTTPException, OSError, ValueError) as error:
            check_time(host_of(url))
            failure = http_error(error, url, reached=host in self._reached)
            _report(method, url, failure.cause)
            # The error beneath may name the whole URL, with its secrets.
            raise failure from None
        self._reached.add(host)
        _report(method, url, raw.status)
        return Response(raw, url, self._options)

    # -- connections -----------------------------------------------------------------------------------------------

    def _connections(self, url: str) -> _Connections:
        proxy = proxy_for(url, self._options.environ)
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
        with self._lock:
            tls = parts.scheme == "https"
            if tls and host not in self._certificates:
                self._certificates[host] = self._certificates_of(host)
            key = (proxy, tls, self._certificates.get(host) if tls else None)
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = self._new_connections(*key)
            return known

    def _new_connections(self, proxy: str | None, tls: bool, certificates: HostCertificates | None) -> _Connections:
        context = None
        if tls:
            from python_docker.http.connections.tls import tls_context

            context = tls_context(self._options, certificates)
        if proxy is None:
            return Connections(self._options, context)
        from python_docker.http.connections.proxied import ProxiedConnections

        return ProxiedConnections(proxy, self._options, context)

    def close(self) -> None:
        """Close the connections that are not in use; new requests make new ones."""
        with self._lock:
            for known in self._known.values():
                known.close()


def _report(method: str, url: str, outcome: object) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug("%s %s: %s", method, public_url(url), outcome)
