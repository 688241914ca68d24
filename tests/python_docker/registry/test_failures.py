"""Failures of HTTP as errors of a registry."""

from __future__ import annotations

import pytest

from python_docker.errors import ConnectionFailed, RegistryError
from python_docker.http.failure import Cause, HttpError
from python_docker.registry.failures import registry_error


@pytest.mark.parametrize("cause", Cause)
def test_causes_are_values(cause: Cause) -> None:
    error = registry_error(HttpError(cause, "example.org", "detail"), "log in")
    assert isinstance(error, RegistryError)
    assert str(error).startswith("cannot log in: ")
    if isinstance(error, ConnectionFailed):
        assert error.cause == cause


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        (Cause.CERTIFICATE, "--cacert"),
        (Cause.CERTIFICATE, "/etc/docker/certs.d/example.org:5000/ca.crt"),
        (Cause.NO_TLS, "write http:// before it"),
        (Cause.UNENCRYPTED, "--insecure"),
    ],
)
def test_advice_is_in_terms_of_the_options(cause: Cause, advice: str) -> None:
    failure = HttpError(cause, "example.org:5000", "detail")
    assert advice in str(registry_error(failure))
    assert advice not in str(failure)


@pytest.mark.parametrize("cause", [Cause.MALFORMED, Cause.TOO_LONG, Cause.REDIRECT, Cause.UNENCRYPTED])
def test_an_answer_that_makes_no_sense_is_not_a_connection(cause: Cause) -> None:
    assert not isinstance(registry_error(HttpError(cause, "example.org")), ConnectionFailed)
