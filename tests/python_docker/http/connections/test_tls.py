"""What TLS connections are made with."""

from __future__ import annotations

import ssl

import pytest

from python_docker.http.connections.tls import tls_context
from python_docker.http.options import HttpOptions


def test_certificates_and_names_are_verified() -> None:
    context = tls_context(HttpOptions())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_nothing_is_verified_on_request() -> None:
    context = tls_context(HttpOptions(insecure=True))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize("version", [ssl.TLSVersion.SSLv3, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_protocols_are_not_spoken(version: ssl.TLSVersion) -> None:
    assert tls_context(HttpOptions()).minimum_version > version
