"""What people are told of a connection that failed; what engines answer is tested with `EngineApi`."""

from __future__ import annotations

import http.client

import pytest
import requests
import urllib3

from python_docker.docker.failure import reason


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied"), "this user may not talk to it (for Docker, join the group docker)"),
        (FileNotFoundError(2, "No such file or directory"), "it is not there"),
        (ConnectionRefusedError(111, "Connection refused"), "nothing listens there"),
        (TimeoutError("timed out"), "it does not answer"),
        (BrokenPipeError(32, "Broken pipe"), "the connection was cut"),
        (http.client.RemoteDisconnected("closed"), "the connection was cut"),
        (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", BrokenPipeError())), "the connection was cut"),
        (requests.ReadTimeout(), "it does not answer"),
        (requests.JSONDecodeError("Expecting value", "<html>", 0), "the server is not a Docker Engine"),
        (OSError(113, "No route to host"), "[Errno 113] No route to host"),
    ],
)
def test_reason(error: Exception, told: str) -> None:
    assert reason(error) == told
