"""How clients log in where others need not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conda_docker.serve.configuration import Grant
from tests.conda_docker.serve.conftest import Start
from tests.conda_docker.serve.running import RunningServer, start_server
from tests.peers import Program
from tests.peers.program import PeerError

__all__ = ["start_server"]

_SHA256 = hashlib.sha256(b"opensesame").hexdigest()
MIXED: dict[str, Any] = {
    "access": (Grant(name="ci", token_sha256=_SHA256),),
    "anonymous": Grant(environments=()),
}


def test_whoever_has_no_token_is_sent_to_fetch_one(start: Start) -> None:
    client = start(**MIXED)
    for path in ("/v2/", "/v2/tool/manifests/latest"):
        answer = client.get(path)
        assert answer.status_code == 401
        realm = 'Bearer realm="http://testserver/v2/token",service="conda-docker"'
        assert answer.headers["WWW-Authenticate"] == realm
    token = client.get("/v2/token?service=conda-docker&scope=repository:tool:pull").json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/v2/", headers=bearer).status_code == 200
    assert client.get("/v2/tool/manifests/latest", headers=bearer).status_code == 200
    denied = client.get("/v2/env/own/manifests/latest", headers=bearer)
    assert (denied.status_code, denied.headers["WWW-Authenticate"][:6]) == (401, "Bearer")


def test_a_token_is_fetched_with_a_password(start: Start) -> None:
    client = start(**MIXED)
    answer = client.get("/v2/token", auth=("anybody", "opensesame"))
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/v2/", headers={"Authorization": f"Bearer {answer.json()['token']}"}).status_code == 200
    for password in ("wrong", "anonymous", ""):
        refused = client.get("/v2/token", auth=("anybody", password))
        assert (refused.status_code, refused.headers["WWW-Authenticate"][:5]) == (401, "Basic")
        assert client.get("/v2/", auth=("anybody", password)).status_code == 401


def test_the_token_of_those_without_one_is_good_for_nothing_where_one_is_needed(start: Start) -> None:
    client = start(access=MIXED["access"])
    assert client.get("/v2/", headers={"Authorization": "Bearer anonymous"}).status_code == 401
    assert client.get("/v2/token").status_code == 401


@pytest.mark.parametrize(
    ("changes", "headers", "realm"),
    [
        ({}, {"Host": "images.lan:5000"}, "http://images.lan:5000/v2/token"),
        ({}, {"Host": "images.example.org", "X-Forwarded-Proto": "https"}, "https://images.example.org/v2/token"),
        ({"public_url": "images.example.org"}, {"Host": "other"}, "https://images.example.org/v2/token"),
        ({"public_url": "example.org/images"}, {}, "https://example.org/v2/images/token"),
        ({"public_url": "localhost:5000"}, {}, "http://localhost:5000/v2/token"),
    ],
)
def test_where_tokens_are_fetched(start: Start, changes: dict[str, str], headers: dict[str, str], realm: str) -> None:
    answer = start(**MIXED, **changes).get("/v2/", headers=headers)
    assert f'realm="{realm}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("host", ['a",realm="http://evil', "a@evil", "a/b c", 'a/"x', ""])
def test_what_is_no_host_sends_nobody_anywhere(start: Start, host: str) -> None:
    answer = start(**MIXED).get("/v2/", headers={"Host": host})
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_refusals_are_logged_without_the_token(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    start(**MIXED).get("/v2/tool%0Dfake/manifests/latest", headers={"Authorization": "Bearer s3cret"})
    [record] = [record for record in caplog.records if "refused" in record.getMessage()]
    assert "s3cret" not in record.getMessage()
    assert "\r" not in record.getMessage()


def test_skopeo_with_and_without_a_token(
    start_server: Callable[..., RunningServer], skopeo: Program, tmp_path: Path
) -> None:
    access = f'[anonymous]\nenvironments = []\n[[access]]\nname = "ci"\ntoken-sha256 = "{_SHA256}"\n'
    source = f"docker://{start_server(access).host}/flask"
    assert json.loads(skopeo("inspect", "--raw", "--tls-verify=false", source).stdout)["manifests"]
    skopeo("inspect", "--raw", "--tls-verify=false", "--creds", "anybody:opensesame", source)
    with pytest.raises(PeerError):
        skopeo("inspect", "--raw", "--tls-verify=false", "--creds", "anybody:wrong", source)
