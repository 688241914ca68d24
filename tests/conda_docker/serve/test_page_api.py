"""What people and programs ask of a server beside images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conda_docker.serve.configuration import Grant, Limits
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.serve.conftest import Start
from tests.conda_docker.serve.test_registry_api import error_of, get, pull


def test_the_page_asks_nobody_else(start: Start) -> None:
    client = start()
    page = get(client, "/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text.replace("<!doctype html>", "")
    for path, kind in (("/page.css", "text/css"), ("/page.js", "text/javascript")):
        assert get(client, path).headers["Content-Type"].startswith(kind)


def test_a_plan_before_and_after(start: Start) -> None:
    client = start()
    before = get(client, "/v1/plan?package=tool%3D3.12&package=text").json()
    assert (before["name"], before["tag"], before["platform"]) == ("text/tool-3.12", "latest", "linux/amd64")
    assert [package["name"] for package in before["packages"]] == ["library", "text", "tool"]
    assert [layer["known"] for layer in before["layers"]] == [False] * 4
    pull(client, before["name"])
    after = get(client, "/v1/plan?name=text/tool-3.12").json()
    assert [layer["known"] for layer in after["layers"]] == [True, True, True, False]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "NAME_INVALID"),
        ("package=nothing-like-it", "MANIFEST_UNKNOWN"),
        ("package=tool%3E%3D3", "NAME_INVALID"),
        ("package=file%3A%2F%2F%2Fetc%3A%3Atool", "NAME_INVALID"),
        ("package=tool&platform=linux/s390x", "NAME_INVALID"),
        ("package=tool&tag=1.0", "MANIFEST_UNKNOWN"),
    ],
)
def test_plans_that_cannot_be(start: Start, query: str, code: str) -> None:
    assert error_of(start().get(f"/v1/plan?{query}"))[1] == code


def test_recent_images(start: Start) -> None:
    client = start()
    assert get(client, "/v1/images").json() == []
    pull(client, "tool")
    pull(client, "text")
    pull(client, "tool")
    assert [image["name"] for image in get(client, "/v1/images").json()] == ["tool", "text"]


def test_about(start: Start, tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    for name in ("shared-a", "own"):
        (tmp_path / "envs" / f"{name}.yml").touch()
    client = start(environments=tmp_path / "envs", anonymous=Grant(environments=("shared-*",)), public_url="x.org")
    about = get(client, "/v1/about").json()
    assert (about["environments"], about["host"], about["channels"]) == (["shared-a"], "x.org", ["channel"])


def test_health_and_metrics(start: Start) -> None:
    client = start()
    pull(client, "tool")
    assert get(client, "/healthz").json() == {"status": "ok"}
    metrics = get(client, "/metrics").text
    assert 'conda_docker_images_total{result="made"} 1.0' in metrics
    assert 'conda_docker_requests_total{kind="blobs",status="200"} 4.0' in metrics
    assert "tool" not in metrics


def lock_text(channel: SyntheticChannel, **changes: Any) -> str:
    record = channel.record(SyntheticPackage(name="library")) | {"url": f"{channel.url}/linux-64/library-1.0-0.conda"}
    entry = {"platform": "linux/amd64", "subdir": "linux-64", "base": {"name": "scratch"}, "packages": [record]}
    return json.dumps({"conda-docker-lock": 1, "platforms": [entry | changes]})


def test_a_lock_file_that_is_posted(start: Start, channel: SyntheticChannel) -> None:
    client = start()
    answer = client.post("/v1/locks", content=lock_text(channel))
    assert answer.status_code == 201, answer.text
    assert client.post("/v1/locks", content=lock_text(channel)).json() == answer.json()
    pulled = pull(client, answer.json()["name"])
    assert len(pulled) == 5  # index, manifest, config, the package, the environment's own layer
    assert pull(start(), answer.json()["name"]) == pulled


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"packages": [{"name": "a", "version": "1", "build": "0", "url": "file:///etc/a-1-0.conda"}]}, "DENIED"),
        ({"packages": [{"name": "a", "version": "1", "build": "0", "url": "http://127.0.0.1/a-1-0.conda"}]}, "DENIED"),
        ({"wheels": [{"name": "a", "version": "1", "path": "/etc/passwd", "sha256": "0" * 64}]}, ""),
        ({"activation-scripts": [{"name": "a.sh", "content": "rm -rf /"}]}, ""),
        ({"subdir": "linux-aarch64"}, "MANIFEST_UNKNOWN"),
        ({"packages": [{}]}, "MANIFEST_UNKNOWN"),
    ],
)
def test_lock_files_of_other_places_are_refused(
    start: Start, channel: SyntheticChannel, changes: dict[str, Any], code: str
) -> None:
    answer = start().post("/v1/locks", content=lock_text(channel, **changes))
    assert answer.status_code in (403, 404), answer.text
    assert not code or error_of(answer)[1] == code


def test_a_package_without_a_hash_is_refused(start: Start, channel: SyntheticChannel) -> None:
    document = json.loads(lock_text(channel))
    del document["platforms"][0]["packages"][0]["sha256"]
    assert "no SHA-256" in error_of(start().post("/v1/locks", content=json.dumps(document)))[2]


@pytest.mark.parametrize("body", [b"", b"\xff", b"dependencies: [tool]\n", b"{", b"@EXPLICIT\n", b"x" * 100_000])
def test_what_is_no_lock_file(start: Start, body: bytes) -> None:
    answer = start(limits=Limits(lock_bytes=50_000)).post("/v1/locks", content=body)
    assert answer.status_code in (403, 404), answer.text


def test_whoever_may_not_post(start: Start, channel: SyntheticChannel) -> None:
    client = start(anonymous=Grant(locks=False))
    assert error_of(client.post("/v1/locks", content=lock_text(channel)))[1] == "DENIED"
