"""HTTP: one request and its answer, over pooled connections, through proxies, with redirects followed by hand."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3 import exceptions

from python_docker import __version__
from python_docker.errors import ConnectionFailed, RegistryError
from python_docker.http.failure import TransientFailure, connection_failure
from python_docker.http.proxy import proxy_for
from python_docker.http.whole_answers import demand_whole_answers
from python_docker.registry.address import public_url

if TYPE_CHECKING:
    from types import TracebackType

    from python_docker.http.options import RegistryOptions

_log = logging.getLogger("python_docker.registry")
USER_AGENT: Final = f"conda-docker/{__version__}"
MAX_ERROR_BODY: Final = 64 << 10
_READ_SIZE = 256 << 10
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
    pieces: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, content: bytes) -> Body:
        """A body in memory."""
        return cls(len(content), lambda: (content,) if content else ())


class Response:
    """An answer whose body is read from the connection piece by piece. A context manager; close it after use."""

    def __init__(self, raw: urllib3.BaseHTTPResponse, url: str, options: RegistryOptions) -> None:
        self._raw = raw
        self._options = options
        self._content: bytes | None = None
        self.url = url
        self.status = raw.status
        self.headers: Mapping[str, str] = raw.headers

    def header_values(self, name: str) -> list[str]:
        """All headers of that name."""
        return list(self._raw.headers.getlist(name))

    @property
    def length(self) -> int | None:
        """What Content-Length says, None where it says nothing useful."""
        text = self.headers.get("content-length", "").strip()
        return int(text) if text.isascii() and text.isdigit() else None

    def read1(self, size: int = _READ_SIZE) -> bytes:
        """At most `size` bytes of the body, as soon as there are any; empty at its end.

        Raises `TransientFailure` when the connection breaks.
        """
        try:
            return self._raw.read1(size)
        except (exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            self.close()
            raise connection_failure(error, self.url) from None

    def content(self, limit: int) -> bytes:
        """The whole body, kept for the next call. Raises `RegistryError` when it is longer than `limit` bytes.

        Raises `TransientFailure` when the connection breaks, or takes longer than anybody would wait.
        """
        if self._content is None:
            deadline = time.monotonic() + 3 * self._options.read_timeout
            pieces: list[bytes] = []
            size = 0
            while data := self.read1():
                size += len(data)
                if size > limit:
                    self.close()
                    raise RegistryError(
                        f"the answer of {public_url(self.url)} is longer than {limit} bytes", status=self.status
                    )
                if time.monotonic() > deadline:
                    self.close()
                    raise TransientFailure(f"{urlsplit(self.url).netloc} answers too slowly")
                pieces.append(data)
            self._content = b"".join(pieces)
            self._raw.release_conn()
        return self._content

    def error_content(self) -> bytes:
        """The start of the body of a refusal, as far as it comes."""
        if self._content is None:
            # Debian's docker-registry announces more than it sends with a 416, and would have us wait for the rest.
            if self.status == 416 or (self.length or 0) > MAX_ERROR_BODY:
                self.close()
                self._content = b""
            else:
                try:
                    return self.content(MAX_ERROR_BODY)
                except RegistryError:
                    self._content = b""
        return self._content

    def discard(self) -> None:
        """Close it so that its connection can be used again, where the rest of the body is small."""
        if self.status != 416 and (self.length or 0) <= MAX_ERROR_BODY:
            self.error_content()
        self.close()

    def close(self) -> None:
        """Let go of the connection, which is used again only when the body was read to its end."""
        self._raw.close()
        self._raw.release_conn()

    def __enter__(self) -> Response:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class HttpClient:
    """Sends single requests; whether to try again is for others to decide. Safe to use from any number of threads."""

    def __init__(self, options: RegistryOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._pools: dict[str | None, urllib3.PoolManager] = {}
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
        not reach another (distribution-spec, "Endpoints"). Raises `ConnectionFailed`, as `TransientFailure` where
        another try may help.
        """
        for _ in range(_MAX_REDIRECTS):
            response = self._send_once(method, url, headers or {}, body, authorization(url) if authorization else None)
            location = response.headers.get("location")
            followed = _REDIRECTS if method in {"GET", "HEAD"} else {307, 308}
            if not follow or response.status not in followed or not location:
                return response
            response.discard()
            url = self._redirect_target(url, location)
        raise RegistryError(f"{public_url(url)} redirects without end", status=response.status)

    def _redirect_target(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location).partition("#")[0]
            scheme = urlsplit(target).scheme
        except ValueError:
            scheme = ""
        if scheme not in {"http", "https"}:
            raise RegistryError(f"{public_url(url)} redirects to an address that cannot be used")
        if scheme == "http" and urlsplit(url).scheme == "https" and not self._options.insecure:
            raise RegistryError(
                f"{public_url(url)} redirects to {public_url(target)}, which is not encrypted; "
                "use --insecure (RegistryOptions.insecure) if this is wanted"
            )
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
            failure = connection_failure(error, url, reached=host in self._reached)
            _log.debug("%s %s: %s", method, public_url(url), type(failure).__name__)
            # The error beneath may tell the whole URL, with its secrets.
            raise failure from None
        finally:
            _sending.now = False
        self._reached.add(host)
        _log.debug("%s %s: %s", method, public_url(url), raw.status)
        return Response(raw, url, self._options)

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = proxy_for(url, self._options.environ)
        with self._lock:
            pool = self._pools.get(proxy)
            if pool is None:
                pool = self._pools[proxy] = self._new_pool(proxy)
            return pool

    def _new_pool(self, proxy: str | None) -> urllib3.PoolManager:
        kept: dict[str, Any] = {"num_pools": 10, "maxsize": 10, "ssl_context": self._tls}
        if self._options.insecure:
            urllib3.disable_warnings(exceptions.InsecureRequestWarning)
            kept |= {"cert_reqs": "CERT_NONE", "assert_hostname": False}
        if proxy is None:
            return demand_whole_answers(urllib3.PoolManager(**kept))
        if proxy.startswith("socks"):
            try:
                from urllib3.contrib.socks import SOCKSProxyManager
            except ImportError:
                raise ConnectionFailed(f"the proxy {public_url(proxy)} needs the package PySocks") from None
            return SOCKSProxyManager(proxy, **kept)
        try:
            user = urlsplit(proxy).netloc.rpartition("@")[0]
            login = urllib3.make_headers(proxy_basic_auth=user) if user else {}
            return demand_whole_answers(urllib3.ProxyManager(proxy, proxy_headers=login, **kept))
        except (exceptions.HTTPError, ValueError):
            raise ConnectionFailed(f"the proxy's address {public_url(proxy)!r} cannot be used") from None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        bundle = self._options.ca_bundle
        context = ssl.create_default_context()
        if bundle is not None:
            try:
                if Path(bundle).is_dir():
                    context = ssl.create_default_context(capath=bundle)
                else:
                    context = ssl.create_default_context(cafile=bundle)
            except (OSError, ssl.SSLError) as error:
                raise ConnectionFailed(f"the certificates in {os.fspath(bundle)} cannot be read: {error}") from None
        if self._options.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def close(self) -> None:
        """Close the connections that are not in use; new requests make new ones."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
