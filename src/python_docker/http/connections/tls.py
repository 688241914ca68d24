"""TLS: which certificates to trust for a host, and which to show it."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from python_docker.errors import reason_of
from python_docker.files.regular import check_pem_file
from python_docker.http.failure import Cause, HttpError

if TYPE_CHECKING:
    from python_docker.http.options import HttpOptions


@dataclass(frozen=True, slots=True)
class HostCertificates:
    """Certificates for one host alone: authorities to trust as well, and our own, each with its private key."""

    authorities: tuple[Path, ...] = ()
    own: tuple[tuple[Path, Path], ...] = ()


def tls_context(options: HttpOptions, certificates: HostCertificates | None = None) -> ssl.SSLContext:
    """Return what TLS connections are made with. To read the system's certificates takes longer than many a request.

    Raises `HttpError` for certificates that cannot be read.
    """
    own = certificates or HostCertificates()
    bundle = None if options.ca_bundle is None else Path(options.ca_bundle)
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
    # RFC 8996. OpenSSL decides where Python was built to let it (Debian's), and may have no such limit.
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    context.set_alpn_protocols(["http/1.1"])
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting_only(bundle: Path) -> ssl.SSLContext:
    if bundle.is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)


def _check_readable(path: Path) -> None:
    """Raise `HttpError` for a file of certificates that OpenSSL would wait for, such as a FIFO, or cannot read."""
    try:
        if not path.is_dir():
            check_pem_file(path)
    except OSError as error:
        raise HttpError(Cause.CERTIFICATE_FILE, "", f"{path}: {reason_of(error)}") from None
