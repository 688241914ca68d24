"""Registries as destination of copies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from python_docker import copy_image, open_image, write_image
from python_docker.copying.copy import put_image, send_image
from python_docker.copying.delivery import Delivery
from python_docker.errors import ConnectionFailed, ContentMismatch, InvalidReference, NotFoundInRegistry, RegistryError
from python_docker.image import Image
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.destination import RegistryDestination, present_blobs
from python_docker.registry.source import RegistrySource
from python_docker.spec.digest_tags import SUFFIXES
from python_docker.transports.location import Location
from tests import peers
from tests.python_docker.registry.contents import Tally, opaque_layer, random_blob, small_image
from tests.python_docker.registry.pushing import push
from tests.python_docker.registry.stub_registry import StubRegistry, refusal
from tests.python_docker.registry.stub_server import Answer, Asked

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


@pytest.fixture
def client(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    return RegistryClient(stub.url, options)


@pytest.fixture
def remembering(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    """A client that remembers where blobs are."""
    return RegistryClient(stub.url, options.with_fields(places=Places()))


class Places:
    """Where blobs are, in memory."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], list[str]] = {}
        self.kept: list[str] = []

    def repositories(self, registry: str, digest: str) -> list[str]:
        return self.known.get((registry, digest), [])[::-1]

    def add(self, registry: str, repository: str, digest: str) -> None:
        self.known.setdefault((registry, digest), []).append(repository)

    def remove(self, registry: str, repository: str, digest: str) -> None:
        self.known[registry, digest].remove(repository)

    def keep(self, registry: str) -> None:
        self.kept.append(registry)


class TestDestination:
    def test_tag_is_moved_last(self, stub: StubRegistry, client: RegistryClient) -> None:
        destination = RegistryDestination(client, "team/app", "v1")
        image = small_image("x")
        for layer in image.layers:
            destination.put_blob(layer.blob, Tally())
        destination.put_blob(image.config_blob, Tally())
        destination.put_manifest(image.manifest, root=True)
        assert stub.manifests == {}
        destination.commit()
        assert ("team/app", "v1") in stub.manifests

    @pytest.mark.parametrize(("times", "asked", "stored"), [(1, 2, True), (2, 3, True), (9, 3, False)])
    def test_a_registry_that_misses_what_it_has_just_taken(
        self, stub: StubRegistry, client: RegistryClient, times: int, asked: int, stored: bool
    ) -> None:
        """Some need a moment; another client that sends the same blob may be in the way."""
        stub.hook = lambda one: (
            refusal(400, "MANIFEST_BLOB_UNKNOWN")
            if one.method == "PUT" and "/manifests/" in one.path and len(stub.asked("PUT", "/manifests/")) <= times
            else None
        )
        destination = RegistryDestination(client, "team/app", "v1")
        destination.put_manifest(small_image("x").manifest, root=True)
        with nullcontext() if stored else pytest.raises(RegistryError, match="MANIFEST_BLOB_UNKNOWN"):
            destination.commit()
        assert len(stub.asked("PUT", "/manifests/")) == asked
        assert (("team/app", "v1") in stub.manifests) is stored

    def test_abort(self, stub: StubRegistry, client: RegistryClient) -> None:
        destination = RegistryDestination(client, "team/app", "v1")
        destination.put_manifest(small_image("x").manifest, root=True)
        destination.abort()
        destination.commit()
        assert stub.manifests == {}

    def test_outcomes(self, stub: StubRegistry, client: RegistryClient) -> None:
        content, blob = random_blob(1000)
        first = RegistryDestination(client, "team/app", "v1")
        tally = Tally()
        assert first.put_blob(blob, tally) == ""
        assert tally.moved == 1000
        before = len(stub.requests)
        assert first.put_blob(blob, tally) == "exists"
        assert len(stub.requests) == before
        assert RegistryDestination(client, "team/app", "v1").put_blob(blob, tally) == "exists"
        from_there = client.blob("team/app", blob.descriptor)
        assert RegistryDestination(client, "team/other", "v1").put_blob(from_there, tally) == "mounted"
        assert tally.moved == 1000
        assert stub.blobs["team/other", blob.descriptor.digest] == content

    def test_mount_without_effect(self, stub: StubRegistry, client: RegistryClient) -> None:
        """A registry that begins an upload instead: what is there is not sent all the same."""
        _, blob = random_blob(1000)
        stub.blobs["team/app", blob.descriptor.digest] = stub.blobs["team/other", blob.descriptor.digest] = b"x" * 1000
        stub.hook = lambda asked: (
            Answer(202, headers={"Location": "/v2/team/other/blobs/uploads/1"}) if "mount" in asked.query else None
        )
        from_there = client.blob("team/app", blob.descriptor)
        assert RegistryDestination(client, "team/other", "v1").put_blob(from_there, Tally()) == "exists"

    def test_a_blob_is_mounted_from_where_it_was_pushed(self, stub: StubRegistry, remembering: RegistryClient) -> None:
        content, blob = random_blob(1000)
        RegistryDestination(remembering, "team/app", "v1").put_blob(blob, Tally())
        before = len(stub.requests)
        assert RegistryDestination(remembering, "team/other", "v1").put_blob(blob, Tally()) == "mounted"
        assert [asked.method for asked in stub.requests[before:]] == ["POST"]
        assert stub.blobs["team/other", blob.descriptor.digest] == content

    def test_where_it_was_pushed_before_it_is_looked_for_first(
        self, stub: StubRegistry, remembering: RegistryClient
    ) -> None:
        _, blob = random_blob(1000)
        for path in ("team/app", "team/other"):
            RegistryDestination(remembering, path, "v1").put_blob(blob, Tally())
        before = len(stub.requests)
        assert RegistryDestination(remembering, "team/app", "v1").put_blob(blob, Tally()) == "exists"
        assert [asked.method for asked in stub.requests[before:]] == ["HEAD"]

    def test_what_is_read_from_the_registry_is_mounted_unasked(
        self, stub: StubRegistry, remembering: RegistryClient
    ) -> None:
        _, blob = random_blob(1000)
        for path in ("team/app", "team/other"):
            RegistryDestination(remembering, path, "v1").put_blob(blob, Tally())
        near = remembering.blob("team/app", blob.descriptor)
        before = len(stub.requests)
        assert RegistryDestination(remembering, "team/other", "v1").put_blob(near, Tally()) == "mounted"
        assert [asked.method for asked in stub.requests[before:]] == ["POST"]
        before = len(stub.requests)
        assert RegistryDestination(remembering, "team/app", "v2").put_blob(near, Tally()) == "exists"
        assert len(stub.requests) == before, "it is read from this very repository"

    def test_a_registry_that_does_not_mount_is_asked_once(
        self, stub: StubRegistry, remembering: RegistryClient
    ) -> None:
        _, blob = random_blob(1000)
        RegistryDestination(remembering, "team/app", "v1").put_blob(blob, Tally())
        del stub.blobs["team/app", blob.descriptor.digest]
        before = len(stub.requests)
        assert RegistryDestination(remembering, "team/other", "v1").put_blob(blob, Tally()) == ""
        # The upload that it began in place of the mount is the one that is used.
        assert [asked.method for asked in stub.requests[before:]] == ["POST", "HEAD", "PUT"]
        assert remembering.options.places is not None
        assert remembering.options.places.repositories(remembering.domain, blob.descriptor.digest) == ["team/other"]

    def test_a_repository_that_gives_nothing_is_asked_for_one_blob_alone(
        self, stub: StubRegistry, remembering: RegistryClient
    ) -> None:
        blobs = [random_blob(1000, seed)[1] for seed in range(3)]
        for blob in blobs:
            RegistryDestination(remembering, "secret/app", "v1").put_blob(blob, Tally())
        stub.hook = lambda asked: refusal(403, "DENIED") if "mount" in asked.query else None
        destination, before = RegistryDestination(remembering, "team/other", "v1"), len(stub.requests)
        assert [destination.put_blob(blob, Tally()) for blob in blobs] == ["", "", ""]
        assert len([asked for asked in stub.requests[before:] if "mount" in asked.query]) == 1

    @pytest.mark.parametrize("status", [500, 503, 429, 0])
    def test_a_registry_that_fails_at_a_mount_is_not_asked_for_another(
        self, stub: StubRegistry, remembering: RegistryClient, status: int
    ) -> None:
        blobs = [random_blob(1000, seed)[1] for seed in range(3)]
        for number, blob in enumerate(blobs):
            RegistryDestination(remembering, f"team/app{number}", "v1").put_blob(blob, Tally())
        stub.hook = lambda asked: Answer(status, raw=b"" if status == 0 else None) if "mount" in asked.query else None
        destination, before = RegistryDestination(remembering, "team/other", "v1"), len(stub.requests)
        assert [destination.put_blob(blob, Tally()) for blob in blobs] == ["", "", ""]
        assert len([asked for asked in stub.requests[before:] if "mount" in asked.query]) == 1
        another = RegistryDestination(RegistryClient(stub.url, remembering.options), "team/more", "v1")
        another.share(destination)
        assert [another.put_blob(blob, Tally()) for blob in blobs] == ["", "", ""]
        assert len([asked for asked in stub.requests[before:] if "mount" in asked.query]) == 1

    def test_what_is_taken_unread_is_asked_for_once(self, stub: StubRegistry, remembering: RegistryClient) -> None:
        _, blob = random_blob(1000)
        RegistryDestination(remembering, "team/app", "v1").put_blob(blob, Tally())
        destination, before = RegistryDestination(remembering, "team/other", "v1"), len(stub.requests)
        assert destination.take(blob)
        assert destination.take(blob)
        assert destination.put_blob(blob, Tally()) == "mounted"
        assert destination.put_blob(blob, Tally()) == "exists"
        assert [asked.method for asked in stub.requests[before:]] == ["POST"]

    def test_what_cannot_be_taken_unread_is_sent_without_another_question(
        self, stub: StubRegistry, remembering: RegistryClient
    ) -> None:
        content, blob = random_blob(1000)
        RegistryDestination(remembering, "team/app", "v1").put_blob(blob, Tally())
        del stub.blobs["team/app", blob.descriptor.digest]
        destination, before = RegistryDestination(remembering, "team/other", "v1"), len(stub.requests)
        assert not destination.take(blob)
        assert [asked.method for asked in stub.requests[before:]] == ["POST", "HEAD"]
        assert destination.put_blob(blob, Tally()) == ""
        assert [asked.method for asked in stub.requests[before:]] == ["POST", "HEAD", "PUT"]
        assert stub.blobs["team/other", blob.descriptor.digest] == content

    def test_what_is_there_in_another_size_is_not_taken(self, stub: StubRegistry, client: RegistryClient) -> None:
        content, blob = random_blob(1000)
        stub.blobs["team/app", blob.descriptor.digest] = content
        claimed = blob.describe(blob.descriptor.replace(size=999))
        with pytest.raises(ContentMismatch, match="1000 bytes instead of 999"):
            RegistryDestination(client, "team/app", "v1").take(claimed)

    def test_what_would_be_mounted_is_not_lacking(self, stub: StubRegistry, remembering: RegistryClient) -> None:
        (_, known), (_, new) = random_blob(1000), random_blob(1000, 1)
        RegistryDestination(remembering, "team/app", "v1").put_blob(known, Tally())
        destination = RegistryDestination(remembering, "team/other", "v1")
        assert [destination.lacks(known), destination.lacks(new)] == [False, True]
        del stub.blobs["team/app", known.descriptor.digest]
        assert destination.lacks(known)

    def test_what_may_not_be_read_counts_as_lacking(self, stub: StubRegistry, remembering: RegistryClient) -> None:
        _, blob = random_blob(1000)
        RegistryDestination(remembering, "secret/app", "v1").put_blob(blob, Tally())
        stub.hook = lambda asked: refusal(403, "DENIED") if "/secret/" in asked.path else None
        assert RegistryDestination(remembering, "team/other", "v1").lacks(blob)

    def test_blobs_that_need_not_be_uploaded(self, stub: StubRegistry, options: RegistryOptions) -> None:
        there, new, elsewhere, other = (random_blob(1000, seed)[1] for seed in range(4))
        client = RegistryClient(stub.url, options)
        RegistryDestination(client, "team/app", "v1").put_blob(there, Tally())
        RegistryDestination(client, "team/base", "v1").put_blob(other, Tally())
        location = Location.parse(f"docker://{stub.host}/team/app:v2")
        from_there = RegistrySource.open(Location.parse(f"docker://{stub.host}/team/base:v1"), options)
        foreign = elsewhere.describe(elsewhere.descriptor.replace(media_type=FOREIGN, urls=["https://example.org/l"]))
        found = present_blobs(location, [there, new, from_there.blob(other.descriptor), foreign], options)
        assert found == {there.descriptor.digest, other.descriptor.digest, elsewhere.descriptor.digest}

    def test_a_token_is_asked_for_before_anything_is_sent(self, stub: StubRegistry, client: RegistryClient) -> None:
        destination = RegistryDestination(client, "team/app", "v1")
        destination.prepare()
        assert [asked.path for asked in stub.requests] == ["/v2/"]
        assert destination.staging is None

    def test_other_tags_are_written_with_the_image(self, stub: StubRegistry, client: RegistryClient) -> None:
        image, signature = small_image("x").manifest, small_image("y", seed=1).manifest
        destination = RegistryDestination(client, "team/app", "v1")
        destination.put_manifest(image, root=True)
        destination.put_tagged(signature, "sha256-0.sig")
        assert destination.tagged("sha256-0.sig") is None
        destination.commit()
        assert destination.tagged("sha256-0.sig") == signature
        assert destination.tagged("v1") == image

    def test_what_one_tag_has_another_tag_of_the_repository_is_not_asked_for(
        self, stub: StubRegistry, client: RegistryClient
    ) -> None:
        first, second = (RegistryDestination(client, "team/app", tag) for tag in ("v1", "v2"))
        _, blob = random_blob(1000)
        first.put_blob(blob, Tally())
        second.share(first)
        before = len(stub.requests)
        assert second.put_blob(blob, Tally()) == "exists"
        assert len(stub.requests) == before

    def test_another_repository_is_given_something_to_mount_from(
        self, stub: StubRegistry, client: RegistryClient
    ) -> None:
        manifest = small_image("x").manifest
        first, second, third = (RegistryDestination(client, f"team/{name}", "v1") for name in "abc")
        second.share(first)  # nothing has been put there yet
        assert stub.manifests == {}
        first.put_manifest(manifest, root=True)
        second.share(first)
        third.share(first)
        assert list(stub.manifests) == [("team/a", manifest.digest)]
        assert len(stub.asked("PUT", "/manifests/")) == 1

    def test_a_place_elsewhere_has_nothing_to_share(
        self, stub: StubRegistry, client: RegistryClient, options: RegistryOptions
    ) -> None:
        elsewhere = RegistryDestination(RegistryClient(stub.url.replace("localhost", "127.0.0.1"), options), "a", "v1")
        elsewhere.put_manifest(small_image("x").manifest, root=True)
        RegistryDestination(client, "a", "v1").share(elsewhere)
        assert stub.manifests == {}

    def test_what_a_manifest_names_is_remembered(self, stub: StubRegistry, remembering: RegistryClient) -> None:
        places = remembering.options.places
        assert isinstance(places, Places)
        destination = RegistryDestination(remembering, "team/app", "v1")
        destination.put_blob(random_blob(1000)[1], Tally())
        assert places.kept == []
        destination.put_manifest(small_image("x").manifest, root=True)
        destination.commit()
        assert places.kept == [remembering.domain]

    def test_by_digest(self, stub: StubRegistry, options: RegistryOptions) -> None:
        image = small_image("x")
        write_image(image, f"docker://{stub.host}/team/app@{image.digest}", registry=options)
        assert set(stub.manifests) == {("team/app", image.digest)}

    def test_by_wrong_digest(self, stub: StubRegistry, options: RegistryOptions) -> None:
        with pytest.raises(InvalidReference, match="cannot be written as"):
            push(stub, small_image("x"), options, f"team/app:v1@sha256:{64 * '0'}")
        assert stub.manifests == {}

    def test_refused_manifest(self, stub: StubRegistry, options: RegistryOptions) -> None:
        stub.hook = lambda asked: refusal(400, "MANIFEST_INVALID", "no") if "/manifests/" in asked.path else None
        with pytest.raises(RegistryError, match=r"write the manifest of team/app:v1.*MANIFEST_INVALID"):
            push(stub, small_image("x"), options)

    def test_lost_answer_to_a_manifest(self, stub: StubRegistry, options: RegistryOptions) -> None:
        def answer(asked: Asked) -> Answer | None:
            if asked.method != "PUT" or "/manifests/" not in asked.path or len(stub.asked("PUT", "/manifests/")) > 1:
                return None
            stub.default(asked)
            return Answer(raw=b"")

        stub.hook = answer
        push(stub, small_image("x"), options)
        assert len(stub.asked("PUT", "/manifests/")) == 2

    def test_foreign_layers_stay_where_they_are(self, stub: StubRegistry, client: RegistryClient) -> None:
        _, blob = random_blob(1000, media_type="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
        foreign = blob.describe(blob.descriptor.replace(urls=["https://example.org/layer"]))
        assert RegistryDestination(client, "team/app", "v1").put_blob(foreign, Tally()) == "exists"
        assert stub.blobs == {}

    def test_plain_layers_stay_plain(self, stub: StubRegistry, options: RegistryOptions) -> None:
        from python_docker.streams.compression import Compression

        image = small_image("x", layers=1)
        image.layers[0] = image.layers[0].compressed(Compression.NONE)
        manifest = push(stub, image, options)
        assert manifest.layers[0].digest == image.layers[0].diff_id

    def test_no_name(self) -> None:
        with pytest.raises(InvalidReference):
            RegistryDestination.open(Location("docker", "", None))
        with pytest.raises(InvalidReference):
            RegistrySource.open(Location("docker", "", "@1"))

    def test_source_that_breaks(
        self, stub: StubRegistry, options: RegistryOptions, registry: peers.Registry, repository: str
    ) -> None:
        content, _ = random_blob(100_000)
        image = Image("x", "v1", [opaque_layer(content)])
        push(stub, image, options)
        stub.hook = lambda asked: (
            Answer(200, content[:10], announced=100_000) if image.layers[0].digest in asked.path else None
        )
        with pytest.raises(ConnectionFailed, match=stub.host):
            copy_image(
                f"docker://{stub.host}/team/app:v1",
                f"docker://{registry.host}/{repository}:v1",
                source_registry=options,
                destination_registry=options,
            )
        with pytest.raises(NotFoundInRegistry):
            open_image(f"docker://{registry.host}/{repository}:v1", registry=options)


def test_copy_between_registries_with_options_of_their_own(
    stub: StubRegistry,
    options: RegistryOptions,
    start_registry: Callable[..., peers.Registry],
) -> None:
    push(stub, small_image("x"), options)
    protected = start_registry(htpasswd={"alice": "secret"})
    copied = copy_image(
        f"docker://{stub.host}/team/app:v1",
        f"docker://{protected.host}/team/app:v1",
        source_registry=options,
        destination_registry=options.with_fields(username="alice", password="secret"),
    )
    assert all("authorization" not in asked.headers for asked in stub.requests)
    assert stub.manifests["team/app", "v1"][1] == copied.raw


def test_a_registry_that_mounts_only_what_a_manifest_names(stub: StubRegistry, remembering: RegistryClient) -> None:
    def particular(asked: Asked) -> Answer | None:
        source, digest = asked.query.get("from"), asked.query.get("mount", "")
        if source and not any(path == source and digest.encode() in held[1] for (path, _), held in manifests.items()):
            del asked.query["mount"]  # which begins an upload
        return None

    manifests = stub.manifests
    stub.hook = particular
    image = small_image("app")
    first, second = (RegistryDestination(remembering, f"team/{name}", "1") for name in ("one", "two"))
    put_image(image, first)
    assert manifests == {}
    second.share(first)
    put_image(image, second)
    sent = [asked for asked in stub.requests if asked.method in ("PATCH", "PUT") and "/blobs/" in asked.path]
    assert {asked.path.split("/")[3] for asked in sent} == {"one"}
    assert [name for _, name in manifests if ":" not in name] == [], "nothing has a tag before all is there"
    for destination in (first, second):
        destination.commit()
    assert {(path, name) for path, name in manifests if ":" not in name} == {("team/one", "1"), ("team/two", "1")}


def test_a_copy_within_a_registry_asks_for_nothing_twice(stub: StubRegistry, options: RegistryOptions) -> None:
    manifest = push(stub, small_image("x"), options)
    before = len(stub.requests)
    copy_image(
        f"docker://{stub.host}/team/app:v1",
        f"docker://{stub.host}/team/other:v2",
        source_registry=options,
        destination_registry=options,
    )
    asked = stub.requests[before:]
    requests = [(each.method, each.path, each.raw_query) for each in asked]
    assert len(set(requests)) == len(requests)
    assert [path for _, path, _ in requests].count("/v2/") == 1
    assert {each.query["mount"] for each in asked if each.method == "POST"} == {
        descriptor.digest for descriptor in (*manifest.layers, manifest.config)
    }
    assert not [each for each in asked if "/blobs/sha256" in each.path], "no blob is read, or looked for"
    assert requests[-1][:2] == ("PUT", "/v2/team/other/manifests/v2")
    lists = 1 + 1 + len(SUFFIXES)  # what refers to it, the tag for that of older registries, and signatures
    assert len(requests) == 1 + 1 + len(manifest.layers) + 1 + lists + 1


def test_what_is_attached_is_looked_for_while_blobs_are_mounted(stub: StubRegistry, options: RegistryOptions) -> None:
    push(stub, small_image("x"), options)
    looked_for = threading.Event()

    def mount_late(asked: Asked) -> Answer | None:
        if asked.path.endswith(".sig"):
            looked_for.set()
        elif asked.method == "POST" and not looked_for.wait(120):
            return Answer(500)
        return None

    stub.hook = mount_late
    copy_image(
        f"docker://{stub.host}/team/app:v1",
        f"docker://{stub.host}/team/other:v1",
        source_registry=options,
        destination_registry=options,
    )
    assert ("team/other", "v1") in stub.manifests
    assert not stub.asked("PUT", "/team/other/blobs/"), "all was mounted"


def test_repositories_of_one_registry_are_met_once(stub: StubRegistry, options: RegistryOptions) -> None:
    places = [Location.parse(f"docker://{stub.host}/team/{name}:1") for name in "abc"]
    image = small_image("x")
    with Delivery(places, registry=lambda _: options) as delivery:
        delivery.finish(lambda transfer: send_image(image, transfer))
    assert len([asked for asked in stub.requests if asked.path == "/v2/"]) == 1
