"""What a client of a registry sees: images that are made when they are asked for."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from conda_docker import BuildOptions, create_image
from conda_docker.cache.folder import CacheFolder
from conda_docker.serve.configuration import Grant, Limits, ServerConfiguration
from conda_docker.serve.making import maker
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.registry_base import asked_for, push_base
from tests.conda_docker.serve.conftest import AMD64, ARM64, Start
from tests.peers import Registry


def get(client: TestClient, path: str, **headers: str) -> Any:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def pull(client: TestClient, name: str, tag: str = "latest", **headers: str) -> dict[str, bytes]:
    """Return all documents and blobs of an image by their digests, each checked."""
    index = get(client, f"/v2/{name}/manifests/{tag}", **headers)
    found = {index.headers["Docker-Content-Digest"]: index.content}
    for child in index.json()["manifests"]:
        manifest = get(client, f"/v2/{name}/manifests/{child['digest']}", **headers)
        assert manifest.headers["Content-Type"] == child["mediaType"]
        found[child["digest"]] = manifest.content
        for blob in (manifest.json()["config"], *manifest.json()["layers"]):
            found[blob["digest"]] = get(client, f"/v2/{name}/blobs/{blob['digest']}", **headers).content
            assert len(found[blob["digest"]]) == blob["size"]
    for digest, content in found.items():
        assert digest == "sha256:" + hashlib.sha256(content).hexdigest()
    return found


def error_of(answer: Any) -> tuple[int, str, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["code"], error["message"]


def test_it_is_a_registry(start: Start) -> None:
    answer = start().get("/v2/")
    assert (answer.status_code, answer.headers["Docker-Distribution-Api-Version"]) == (200, "registry/2.0")


def test_an_image_is_what_a_build_makes(start: Start, channel: SyntheticChannel) -> None:
    pulled = pull(start(), "tool-3.12")
    built = create_image(
        ["tool=3.12"],
        channels=channel.url,
        override_channels=True,
        base="scratch",
        platform="linux/amd64",
        options=BuildOptions(use_cache=False),
    )
    assert {str(built.digest), str(built.id), *(str(layer.digest) for layer in built.layers)} <= pulled.keys()


def test_the_order_of_packages_and_a_second_server_change_nothing(start: Start, tmp_path: Path) -> None:
    one, other = start(), start(CacheFolder(tmp_path / "another"))
    assert pull(one, "tool/text") == pull(one, "text/tool") == pull(other, "tool/text")


def test_heads_and_ranges(start: Start) -> None:
    client = start()
    index = get(client, "/v2/tool/manifests/latest")
    head = client.head("/v2/tool/manifests/latest")
    assert head.headers["Docker-Content-Digest"] == index.headers["Docker-Content-Digest"]
    assert int(head.headers["Content-Length"]) == len(index.content)
    manifest = get(client, f"/v2/tool/manifests/{index.json()['manifests'][0]['digest']}").json()
    layer = manifest["layers"][0]
    head = client.head(f"/v2/tool/blobs/{layer['digest']}")
    assert int(head.headers["Content-Length"]) == layer["size"]
    whole = get(client, f"/v2/tool/blobs/{layer['digest']}").content
    part = client.get(f"/v2/tool/blobs/{layer['digest']}", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])


def test_what_somebody_has_already(start: Start) -> None:
    client = start()
    tag = get(client, "/v2/tool/manifests/latest").headers["ETag"]
    assert client.get("/v2/tool/manifests/latest", headers={"If-None-Match": tag}).status_code == 304


def test_an_index_has_the_platforms_that_can_be_had(start: Start) -> None:
    client = start(platforms=(AMD64, ARM64))
    both = get(client, "/v2/text/manifests/latest").json()["manifests"]
    assert [each["platform"]["architecture"] for each in both] == ["amd64", "arm64"]
    [one] = get(client, "/v2/tool/manifests/latest").json()["manifests"]
    assert one["platform"]["architecture"] == "amd64"


def test_layers_are_made_again_when_nothing_but_facts_is_left(start: Start, cache: CacheFolder) -> None:
    before = pull(start(), "tool/text")
    for folder in ("blobs", "packages"):
        shutil.rmtree(cache.root / folder, ignore_errors=True)
    assert pull(start(), "tool/text") == before


def test_a_damaged_layer_is_made_again(start: Start, cache: CacheFolder) -> None:
    before = pull(start(), "tool")
    for path in (cache.root / "blobs").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert pull(start(), "tool") == before


def test_known_layers_of_a_new_image_are_not_made(start: Start, cache: CacheFolder, channel: SyntheticChannel) -> None:
    client = start()
    pull(client, "tool")
    shutil.rmtree(cache.root / "blobs")
    get(client, "/v2/tool/text/manifests/latest")
    names = {"library", "tool"}
    there = {path.stat().st_size for path in (cache.root / "blobs").rglob("*") if path.is_file()}
    sizes = {layer["size"] for layer in layers_of(client, "tool/text") if layer["size"] in there}
    assert names
    assert len(sizes) <= 2  # `text`, and the environment's own


def layers_of(client: TestClient, name: str) -> list[dict[str, Any]]:
    [child] = get(client, f"/v2/{name}/manifests/latest").json()["manifests"]
    layers: list[dict[str, Any]] = get(client, f"/v2/{name}/manifests/{child['digest']}").json()["layers"]
    return layers


def test_a_hundred_pulls_of_one_image_make_it_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = maker.Maker.make

    def counted(self: maker.Maker, asked: Any) -> Any:
        made.append(asked.name)
        return make(self, asked)

    monkeypatch.setattr(maker.Maker, "make", counted)
    client = start(limits=Limits(builds_per_minute=5))
    with ThreadPoolExecutor(20) as pool:
        names = ["tool/text"] * 80 + ["tool", "text", "library", "tool-3"] * 5
        answers = list(pool.map(lambda name: client.get(f"/v2/{name}/manifests/latest").status_code, names))
    assert answers == [200] * 100
    assert sorted(made) == ["library", "text", "text/tool", "tool", "tool-3"]
    assert 'conda_docker_images_total{result="made"} 5.0' in get(client, "/metrics").text


def test_images_on_one_base_ask_what_its_tag_means_and_read_it_once(
    start: Start, channel: SyntheticChannel, registry: Registry, repository: str
) -> None:
    names = ("one", "two", "three")
    channel.add(*(SyntheticPackage(name=name, subdir="noarch", noarch="generic") for name in names))
    base = push_base(registry, repository, [AMD64, ARM64])
    client = start(base=base, platforms=(AMD64, ARM64))
    since = len(registry.requests())
    for name in names:
        get(client, f"/v2/{name}/manifests/latest")
    found = asked_for(registry, since)
    assert found.pop("v1") == 3
    assert set(found.values()) == {1}
    assert len(found) == 10  # for each platform a manifest, a config and three layers


def test_days(start: Start, channel: SyntheticChannel) -> None:
    channel.add(
        SyntheticPackage(name="dated", version="1", timestamp=1_700_000_000_000),
        SyntheticPackage(name="dated", version="2", timestamp=1_750_000_000_000),
    )
    came_in(channel, {"dated-1-0.conda": 1_700_000_000_000, "dated-2-0.conda": 1_750_000_000_000})
    client = start()
    versions = {tag: packages_of(client, "dated", tag) for tag in ("2024-01-01", "2025-12-31", "latest")}
    assert versions == {"2024-01-01": ["dated 1"], "2025-12-31": ["dated 2"], "latest": ["dated 2"]}
    assert get(client, "/v2/dated/tags/list").json() == {
        "name": "dated",
        "tags": ["2024-01-01", "2025-12-31", "latest"],
    }


def came_in(channel: SyntheticChannel, moments: dict[str, int]) -> None:
    """Have the index say when packages came into the channel, in milliseconds since 1970."""
    for path in channel.folder.glob("*/repodata.json"):
        document = json.loads(path.read_text())
        for name, record in document["packages.conda"].items():
            record["indexed_timestamp"] = moments.get(name, record["indexed_timestamp"])
        path.write_text(json.dumps(document))


def packages_of(client: TestClient, name: str, tag: str) -> list[str]:
    plan = get(client, f"/v1/plan?name={name}&tag={tag}").json()
    get(client, f"/v2/{name}/manifests/{tag}")
    return [f"{package['name']} {package['version']}" for package in plan["packages"]]


def test_latest_is_made_anew_after_a_while(start: Start, channel: SyntheticChannel) -> None:
    client, old = start(limits=Limits(latest_seconds=3600)), start(limits=Limits(latest_seconds=0))
    before = get(client, "/v2/text/manifests/latest").headers["ETag"]
    channel.add(SyntheticPackage(name="text", version="2", subdir="noarch", noarch="generic"))
    assert get(client, "/v2/text/manifests/latest").headers["ETag"] == before
    assert get(old, "/v2/text/manifests/latest").headers["ETag"] != before


def test_what_was_pulled_by_its_digest_stays_after_a_new_version(start: Start, channel: SyntheticChannel) -> None:
    client = start(limits=Limits(latest_seconds=0))
    before = pull(client, "text")
    channel.add(SyntheticPackage(name="text", version="2", subdir="noarch", noarch="generic"))
    pull(client, "text")
    digest = next(iter(before))
    assert get(client, f"/v2/text/manifests/{digest}").content == before[digest]


def test_a_channel_that_fails_leaves_what_was_known(start: Start, channel: SyntheticChannel) -> None:
    client = start(limits=Limits(latest_seconds=0))
    before = get(client, "/v2/text/manifests/latest").headers["ETag"]
    shutil.rmtree(channel.folder)
    assert get(client, "/v2/text/manifests/latest").headers["ETag"] == before
    status, code, _ = error_of(client.get("/v2/tool/manifests/latest"))
    assert (status, code) == (503, "UNAVAILABLE")


@pytest.mark.parametrize(
    ("path", "status", "code", "said"),
    [
        ("/v2/nothing-like-it/manifests/latest", 404, "MANIFEST_UNKNOWN", "there is no package named"),
        ("/v2/tool-99/manifests/latest", 404, "MANIFEST_UNKNOWN", "available: 3.12.1"),
        ("/v2/UPPER/manifests/latest", 400, "NAME_INVALID", "names are packages"),
        ("/v2/tool/manifests/1.0", 404, "MANIFEST_UNKNOWN", "Tags are latest, or a day"),
        ("/v2/tool/manifests/sha256:" + "0" * 64, 404, "MANIFEST_UNKNOWN", "no manifest"),
        ("/v2/tool/manifests/sha256:short", 404, "MANIFEST_UNKNOWN", "digest"),
        ("/v2/tool/blobs/sha256:" + "0" * 64, 404, "BLOB_UNKNOWN", "no image tool here"),
        ("/v2/other--tool/manifests/latest", 400, "NAME_INVALID", "not a channel of this server"),
        ("/v2/env/x/manifests/latest", 404, "NAME_UNKNOWN", "no environment 'x'"),
        ("/v2/lock/" + "0" * 64 + "/manifests/latest", 404, "NAME_UNKNOWN", "post it"),
        ("/v2/..%2f..%2fetc/manifests/latest", 400, "NAME_INVALID", ""),
        ("/v2/_catalog", 404, "NAME_UNKNOWN", "no such address here"),
    ],
)
def test_errors_are_those_of_registries(start: Start, path: str, status: int, code: str, said: str) -> None:
    answer = error_of(start().get(path))
    assert answer[:2] == (status, code)
    assert said in answer[2]


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_nothing_can_be_pushed(start: Start, method: str) -> None:
    answer = start().request(method, "/v2/tool/manifests/latest", content=b"{}")
    assert error_of(answer)[:2] == (405, "UNSUPPORTED")


def test_a_request_of_two_lengths_ends_the_connection(start: Start) -> None:
    headers = {"Content-Length": "3", "Transfer-Encoding": "chunked"}
    answer = start().post("/v1/locks", content=b"0\r\n\r\n", headers=headers)
    assert (answer.status_code, answer.headers["Connection"]) == (400, "close")


def test_answers_are_not_for_caches_that_know_nothing_of_who_may_use_what(start: Start) -> None:
    token = hashlib.sha256(b"opensesame").hexdigest()
    closed = start(access=(Grant(name="ci", token_sha256=token),))
    for client, headers, whose in (
        (start(), {}, "public"),
        (closed, {"authorization": "Bearer opensesame"}, "private"),
    ):
        index = get(client, "/v2/tool/manifests/latest", **headers)
        assert index.headers["Cache-Control"] == f"{whose}, no-cache"
        child = index.json()["manifests"][0]["digest"]
        manifest = get(client, f"/v2/tool/manifests/{child}", **headers)
        assert manifest.headers["Cache-Control"].startswith(f"{whose}, max-age=")
        assert get(client, "/v2/tool/tags/list", **headers).headers["Cache-Control"] == "no-store"


def test_wrong_tokens_are_tried_at_the_rate_of_other_requests(start: Start) -> None:
    client = start(access=(Grant(name="ci", token_sha256="0" * 64),), limits=Limits(requests_per_minute=3))
    answers = [client.get("/v2/", headers={"authorization": f"Bearer {number}"}).status_code for number in range(5)]
    assert answers == [401, 401, 401, 429, 429]


def test_referrers_are_none(start: Start) -> None:
    assert get(start(), "/v2/tool/referrers/sha256:" + "0" * 64).json()["manifests"] == []


def test_environments_of_the_server(start: Start, tmp_path: Path, channel: SyntheticChannel) -> None:
    (tmp_path / "envs").mkdir()
    file = tmp_path / "envs" / "plot.yml"
    file.write_text("dependencies: [text]\n")
    client = start(environments=tmp_path / "envs")
    before = pull(client, "env/plot")
    file.write_text("dependencies: [tool]\n")
    after = pull(client, "env/plot")
    assert len(after) == len(before) + 1


def test_a_failed_pull_is_logged_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Clients send HEAD before GET."""
    client = start()
    with caplog.at_level(logging.WARNING):
        for method in ("HEAD", "GET", "GET"):
            assert client.request(method, "/v2/nothing/manifests/latest").status_code == 404
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == ["HEAD", "GET"]


def test_quotas(start: Start) -> None:
    status, code, said = error_of(start(limits=Limits(packages=1)).get("/v2/tool/manifests/latest"))
    assert (status, code, said) == (403, "DENIED", "the environment has 2 packages, and this server allows 1")
    assert error_of(start(limits=Limits(package_bytes=10)).get("/v2/tool/manifests/latest"))[1] == "DENIED"


def test_a_rate_of_new_images(start: Start) -> None:
    client = start(limits=Limits(builds_per_minute=1))
    get(client, "/v2/tool/manifests/latest")
    answer = client.get("/v2/text/manifests/latest")
    assert error_of(answer)[:2] == (429, "TOOMANYREQUESTS")
    assert int(answer.headers["Retry-After"]) > 0
    get(client, "/v2/tool/manifests/latest")  # which is known


def test_each_sees_what_was_made_for_their_channels(start: Start, configuration: ServerConfiguration) -> None:
    token = hashlib.sha256(b"opensesame").hexdigest()
    private = Grant(name="ci", token_sha256=token)
    client = start(access=(private,), anonymous=Grant(channels=()))
    pulled = pull(client, "tool", authorization="Bearer opensesame")
    nobody = {"authorization": "Bearer anonymous"}
    assert error_of(client.get("/v2/tool/manifests/latest", headers=nobody))[:2] == (401, "UNAUTHORIZED")
    for digest in pulled:
        assert client.get(f"/v2/tool/blobs/{digest}").status_code == 401
        assert client.get(f"/v2/tool/blobs/{digest}", headers=nobody).status_code == 401
        # A digest is known under the name of its image alone.
        assert client.get(f"/v2/text/blobs/{digest}", headers={"authorization": "Bearer opensesame"}).status_code == 404


@pytest.mark.parametrize("path", ["", "/team/", "/t/tk-three", "/t/tk-three/"])
def test_no_answer_has_credentials_of_a_channel(start: Start, channel: SyntheticChannel, path: str) -> None:
    token = "tk-three" if "/t/" in path else None
    (channel.folder / "team").symlink_to(channel.folder)
    files = ChannelServer(channel.folder, credentials=("robert", "hunter-two"), token=token).start()
    url = files.url.replace("://", "://robert:hunter-two@") + path
    client = start(channels=(url,))
    pulled = pull(client, "tool")
    asked = ["/v1/about", "/v1/images", "/v1/plan?package=tool", "/v1/plan?package=nothing", "/v1/plan?package=a::tool"]
    asked += [f"/v2/{name}/manifests/latest" for name in ("nothing", "tool-99", "other--tool", "tool/library-7")]
    answers = [client.get(path) for path in asked]
    files.stop()
    for content in (*pulled.values(), *(answer.content for answer in answers)):
        for secret in (b"robert", b"hunter-two", b"tk-three"):
            assert secret not in content
    for answer in answers:
        assert "hunter-two" not in str(answer.headers)


def test_without_a_token_docker_is_asked_for_one(start: Start) -> None:
    client = start(access=(Grant(name="ci", token_sha256="0" * 64),))
    answer = client.get("/v2/")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
        401,
        'Basic realm="conda-docker", charset="UTF-8"',
    )


def test_a_disk_that_is_full(start: Start, cache: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    client = start()
    (cache.root.parent / "cache").mkdir(exist_ok=True)
    (cache.root / "other").write_text("this is no cache")
    status, code, said = error_of(client.get("/v2/tool/manifests/latest"))
    assert (status, code) == (503, "UNAVAILABLE")
    assert str(cache.root) not in said


def test_layers_go_when_they_take_too_much_room(start: Start, cache: CacheFolder) -> None:
    client = start(limits=Limits(disk_bytes=1))
    before = pull(client, "tool")
    blobs = [path for path in (cache.root / "blobs").rglob("*") if path.is_file()]
    for path in blobs:
        os.utime(path, (1, 1))
    get(client, "/v2/text/manifests/latest")
    assert not [path for path in blobs if path.exists()]
    assert pull(client, "tool") == before


def test_a_day_that_is_over_is_not_made_again(
    start: Start, channel: SyntheticChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    came_in(channel, {"text-1.0-0.conda": 1_700_000_000_000})
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    client = start(limits=Limits(latest_seconds=0))
    pull(client, "text", yesterday)
    monkeypatch.setattr(maker.Maker, "make", None)
    get(client, f"/v2/text/manifests/{yesterday}")
