"""HttpClient: one request and its answer, over pooled connections, through proxies, with redirects followed by hand."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3 import exceptions

from python_docker.files.regular import read_regular_file
from python_docker.http.diagnosis import http_error
from python_docker.http.failure import Cause, HttpError
from python_docker.http.heads import bound_heads
from python_docker.http.proxy import proxy_for
from python_docker.http.response import Response
from python_docker.http.url import check_url, host_of, public_url
from python_docker.version import __version__

if TYPE_CHECKING:
    from python_docker.http.options import HttpOptions

_log = logging.getLogger("python_docker.http")
USER_AGENT: Final = f"conda-docker/{__version__}"
_MAX_CERTIFICATES = 16 << 20  # bytes; all that Mozilla trusts is a quarter of a megabyte
_MAX_REDIRECTS = 10
_REDIRECTS = {301, 302, 303, 307, 308}
_sending = threading.local()


class _WithoutQueries(logging.Filter):
    """Takes queries out of what urllib3 logs of our own requests: a signed URL is a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(_sending, "now", False) and isinstance(record.args, tuple):
            record.args = tuple(
                argument.partition("?")[0] if isinstance(argument, str) else argument for argument in record.args
            )
        return True


for _name in ("urllib3.connectionpool", "urllib3.connection"):
    logging.getLogger(_name).addFilter(_WithoutQueries())


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request, of `size` bytes: `pieces` gives it from its start, each time it is called."""

    size: int
    pieces: Callable[[], Iterable[bytes | memoryview]]

    @classmethod
    def of(cls, content: bytes) -> Body:
        """Return a body in memory."""
        return cls(len(content), lambda: (content,) if content else ())


@dataclass(frozen=True, slots=True)
class HostCertificates:
    """Certificates for one host alone: authorities to trust as well, and our own, each with its private key."""

    authorities: tuple[Path, ...] = ()
    own: tuple[tuple[Path, Path], ...] = ()


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
        self._pools: dict[tuple[str | None, bool, HostCertificates | None], urllib3.PoolManager] = {}
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
        # A compressed answer would have another digest.
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        if body is not None:
            sent["Content-Length"] = str(body.size)
        if authorization is not None:
            sent["Authorization"] = authorization
        host = urlsplit(url).netloc
        _sending.now = True
        try:
            raw = self._pool(url).urlopen(
                method,
                url,
                body=None if body is None else body.pieces(),
                headers=sent,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self._options.connect_timeout, read=self._options.read_timeout),
            )
        except (exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            failure = http_error(error, url, reached=host in self._reached)
            _log.debug("%s %s: %s", method, public_url(url), failure.cause)
            # The error beneath may name the whole URL, with its secrets.
            raise failure from None
        finally:
            _sending.now = False
        self._reached.add(host)
        _log.debug("%s %s: %s", method, public_url(url), raw.status)
        return Response(raw, url, self._options)

    # -- connections -----------------------------------------------------------------------------------------------

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = proxy_for(url, self._options.environ)
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
        with self._lock:
            tls = parts.scheme == "https"
            if tls and host not in self._certificates:
                self._certificates[host] = self._certificates_of(host)
            key = (proxy, tls, self._certificates.get(host) if tls else None)
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = self._new_pool(*key)
            return pool

    def _new_pool(self, proxy: str | None, tls: bool, certificates: HostCertificates | None) -> urllib3.PoolManager:
        kept: dict[str, Any] = {"num_pools": 10, "maxsize": 10}
        if tls:
            # To read the system's certificates takes longer than many a request.
            kept["ssl_context"] = self._tls_context(certificates)
        if self._options.insecure:
            urllib3.disable_warnings(exceptions.InsecureRequestWarning)
            kept |= {"cert_reqs": "CERT_NONE", "assert_hostname": False}
        if proxy is None:
            return bound_heads(urllib3.PoolManager(**kept))
        shown = public_url(proxy)
        if proxy.startswith("socks"):
            try:
                from urllib3.contrib.socks import SOCKSProxyManager
            except ImportError:
                raise HttpError(Cause.PROXY, shown, "SOCKS proxies need the package PySocks") from None
            return bound_heads(SOCKSProxyManager(proxy, **kept))
        try:
            user = urlsplit(proxy).netloc.rpartition("@")[0]
            login = urllib3.make_headers(proxy_basic_auth=user) if user else {}
            return bound_heads(urllib3.ProxyManager(proxy, proxy_headers=login, **kept))
        except (exceptions.HTTPError, ValueError):
            raise HttpError(Cause.PROXY, shown, f"{shown!r} is not a valid address of a proxy") from None

    def _tls_context(self, certificates: HostCertificates | None) -> ssl.SSLContext:
        own = certificates or HostCertificates()
        bundle = None if self._options.ca_bundle is None else Path(self._options.ca_bundle)
        named = os.environ.get("SSL_CERT_FILE")  # OpenSSL's own, which it reads whatever that is
        if bundle is not None:
            _check_readable(bundle)
        elif named and Path(named).exists():
            _check_readable(Path(named))
        for path in (*own.authorities, *(path for pair in own.own for path in pair)):
            _check_readable(path)
        reading: Path | None = bundle
        try:
            context = ssl.create_default_context() if bundle is None else _trusting_only(bundle)
            for reading in own.authorities:
                context.load_verify_locations(reading)
            for reading, key in own.own:
                # An empty password, so that nobody is asked for that of an encrypted key.
                context.load_cert_chain(reading, key, password="")
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise HttpError(Cause.CERTIFICATE_FILE, "", f"{reading}: {reason}") from None
        if self._options.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def close(self) -> None:
        """Close the connections that are not in use; new requests make new ones."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()


def _trusting_only(bundle: Path) -> ssl.SSLContext:
    if bundle.is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)


def _check_readable(path: Path) -> None:
    """Raise `HttpError` for a file of certificates that OpenSSL would wait for, such as a FIFO, or cannot read."""
    try:
        if not path.is_dir():
            read_regular_file(path, _MAX_CERTIFICATES)
    except OSError as error:
        raise HttpError(Cause.CERTIFICATE_FILE, "", f"{path}: {error.strerror or error}") from None
