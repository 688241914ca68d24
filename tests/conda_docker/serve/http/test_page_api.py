"""What people and programs ask of a server beside images."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from conda_docker.cache.folder import CacheFolder
from conda_docker.serve.configuration import Grant, Limits
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.pypi.wheels import make_wheel
from tests.conda_docker.serve.conftest import Start
from tests.conda_docker.serve.http.test_registry_api import error_of, get, pull


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


def test_recent_images_are_those_that_one_may_use(start: Start, tmp_path: Path, channel: SyntheticChannel) -> None:
    (tmp_path / "envs").mkdir()
    for name in ("secret", "shared"):
        (tmp_path / "envs" / f"{name}.yml").write_text("dependencies: [text]\n")
    token = hashlib.sha256(b"opensesame").hexdigest()
    client = start(
        environments=tmp_path / "envs",
        access=(Grant(name="ci", token_sha256=token),),
        anonymous=Grant(environments=("shared",)),
    )
    headers = {"authorization": "Bearer opensesame"}
    lock = client.post("/v1/locks", content=lock_text(channel), headers=headers).json()["name"]
    for name in ("env/secret", "env/shared", "text", lock):
        pull(client, name, **headers)
    assert [image["name"] for image in get(client, "/v1/images").json()] == ["text", "env/shared"]


def test_about(start: Start, tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    for name in ("shared-a", "own"):
        (tmp_path / "envs" / f"{name}.yml").touch()
    client = start(environments=tmp_path / "envs", anonymous=Grant(environments=("shared-*",)), public_url="x.org")
    about = get(client, "/v1/about").json()
    assert (about["environments"], about["host"], about["channels"]) == (["shared-a"], "x.org", ["channel"])


def test_environments_that_could_not_be_made(start: Start, tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    for name, package in (("good", "text"), ("bad", "nothing"), ("not one", "text")):
        (tmp_path / "envs" / f"{name}.yml").write_text(f"dependencies: [{package}]\n")
    client = start(environments=tmp_path / "envs")
    assert get(client, "/v1/about").json()["failed"] == []
    assert client.get("/v2/env/bad/manifests/latest").status_code == 404
    pull(client, "env/good")
    assert get(client, "/v1/about").json()["failed"] == ["bad"]


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


def package(name: str, url: str) -> dict[str, Any]:
    return {"name": name, "version": "1", "build": "0", "url": url, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"packages": [package("a", "file:///etc/a-1-0.conda")]}, 403),
        ({"packages": [package("a", "http://127.0.0.1/a-1-0.conda")]}, 403),
        ({"packages": [package("evil::a", "http://127.0.0.1/a-1-0.conda")]}, 403),
        ({"wheels": [{"name": "a", "version": "1", "path": "/etc/passwd", "sha256": "0" * 64}]}, 403),
        ({"activation-scripts": [{"name": "a.sh", "content": "rm -rf /"}]}, 400),
        ({"subdir": "linux-aarch64"}, 400),
        ({"packages": [{}]}, 400),
    ],
)
def test_lock_files_of_other_places_are_refused(
    start: Start, channel: SyntheticChannel, changes: dict[str, Any], status: int
) -> None:
    answer = start().post("/v1/locks", content=lock_text(channel, **changes))
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "linux-64/../../secret/linux-64/secret-1.0-0.conda",
        "linux-64/%2e%2e/%2e%2e/secret/linux-64/secret-1.0-0.conda",
        "linux-64/..%2f..%2fsecret/linux-64/secret-1.0-0.conda",
        "linux-64/..\\..\\secret\\secret-1.0-0.conda",
        "linux-64/inner/secret-1.0-0.conda",
        "linux-64/library-1.0-0.conda?x=/secret-1.0-0.conda",
        "linux-64/library-1.0-0.conda#/secret-1.0-0.conda",
        "linux-64//library-1.0-0.conda",
        "linux-64/missing-1.0-0.conda",
    ],
)
def test_nothing_else_of_a_channels_host_can_be_had(
    start: Start, tmp_path: Path, channel: SyntheticChannel, path: str
) -> None:
    """Neither read nor learned of: whether a file is there, and which hash it has, is not to be seen."""
    secret = tmp_path / "secret" / "linux-64" / "secret-1.0-0.conda"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(channel.path(SyntheticPackage(name="library")).read_bytes())
    digest = hashlib.sha256(secret.read_bytes()).hexdigest()
    for sha256 in (digest, "0" * 64):
        answer = start().post("/v1/locks", content=f"@EXPLICIT\n{channel.url}/{path}#sha256:{sha256}\n")
        assert answer.status_code in (400, 403), answer.text
        assert sha256 == digest or digest not in answer.text


def test_a_package_that_only_others_may_have_is_refused_although_it_was_downloaded(
    start: Start, channel: SyntheticChannel, tmp_path: Path
) -> None:
    private = SyntheticChannel(tmp_path / "private")
    secret = SyntheticPackage(name="secret")
    private.add(secret)
    token = hashlib.sha256(b"opensesame").hexdigest()
    client = start(
        channels=(channel.url, private.url),
        access=(Grant(name="ci", token_sha256=token),),
        anonymous=Grant(channels=(channel.url,)),
    )
    pull(client, "secret", authorization="Bearer opensesame")
    sha256 = private.record(secret)["sha256"]
    for url in (channel.url, private.url):
        text = f"@EXPLICIT\n{url}/linux-64/secret-1.0-0.conda#sha256:{sha256}\n"
        assert client.post("/v1/locks", content=text).status_code == 403
    text = f"@EXPLICIT\n{private.url}/linux-64/secret-1.0-0.conda#sha256:{sha256}\n"
    assert client.post("/v1/locks", content=text, headers={"authorization": "Bearer opensesame"}).status_code == 201


def test_a_wheel_must_be_where_it_is_said_to_be(start: Start, channel: SyntheticChannel, tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    wheel = make_wheel(tmp_path / "wheels", "six", "1.0")
    place = ChannelServer(tmp_path / "wheels").start()
    try:
        client = start(wheels=(f"{place.url}/",))
        entry = {
            "name": "six",
            "version": "1.0",
            "url": f"{place.url}/{wheel.name}",
            "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        }

        def post(**changes: str) -> int:
            return client.post("/v1/locks", content=lock_text(channel, wheels=[entry | changes])).status_code

        assert post() == 201
        assert post(url=f"{place.url}/elsewhere/{wheel.name}") == 503
        assert post(sha256="0" * 64) == 404
        assert post(url=f"http://127.0.0.1:1/{wheel.name}") == 403
    finally:
        place.stop()


def test_a_package_without_a_hash_is_refused(start: Start, channel: SyntheticChannel) -> None:
    document = json.loads(lock_text(channel))
    del document["platforms"][0]["packages"][0]["sha256"]
    assert "with these hashes" in error_of(start().post("/v1/locks", content=json.dumps(document)))[2]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff", 400),
        (b"dependencies: [tool]\n", 400),
        (b"dependencies: [tool, {pip: [-r /etc/passwd]}]\n", 400),
        (b"{", 400),
        (b"@EXPLICIT\n", 400),
        (b"x" * 100_000, 413),
    ],
)
def test_what_is_no_lock_file(start: Start, body: bytes, status: int) -> None:
    answer = start(limits=Limits(lock_bytes=50_000)).post("/v1/locks", content=body)
    assert answer.status_code == status, answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("text", ["@EXPLICIT\n" + "http://a/linux-64/a-1-0.conda\n" * 3, None])
def test_a_lock_file_of_too_many_packages_is_refused_before_it_is_read(
    start: Start, channel: SyntheticChannel, text: str | None
) -> None:
    if text is None:
        packages = [package(name, f"{channel.url}/linux-64/{name}-1-0.conda") for name in "abc"]
        text = lock_text(channel, packages=packages)
    answer = start(limits=Limits(packages=2)).post("/v1/locks", content=text)
    assert error_of(answer) == (403, "DENIED", "it lists 3 packages, and this server allows 2")


def test_posted_lock_files_take_bounded_room(start: Start, cache: CacheFolder, channel: SyntheticChannel) -> None:
    client = start(limits=Limits(disk_bytes=50_000, builds_per_minute=1000))
    for number in range(30):
        text = lock_text(channel, name=f"{number}") + " " * 10_000
        assert client.post("/v1/locks", content=text).status_code == 201
    kept = sum(path.stat().st_size for path in (cache.root / "posted-locks").rglob("*.json"))
    assert kept <= 60_000


def test_whoever_may_not_post(start: Start, channel: SyntheticChannel) -> None:
    client = start(anonymous=Grant(locks=False))
    assert error_of(client.post("/v1/locks", content=lock_text(channel)))[1] == "DENIED"
