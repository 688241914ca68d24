"""Why a request failed is a value; the message says it, and never more than was given."""

from __future__ import annotations

import pytest

from python_docker.errors import Error
from python_docker.http.failure import Cause, HttpError


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_message_that_names_the_host(cause: Cause) -> None:
    error = HttpError(cause, "example.org:81", "the detail")
    assert isinstance(error, Error)
    assert "example.org:81" in str(error) or cause is Cause.CERTIFICATE_FILE
    assert "{" not in str(error)


def test_what_went_wrong_is_in_the_fields() -> None:
    error = HttpError(Cause.TLS, "example.org", "handshake", transient=True)
    assert (error.cause, error.host, error.detail, error.transient) == (Cause.TLS, "example.org", "handshake", True)
    assert str(error) == "the TLS connection to example.org failed: handshake"
