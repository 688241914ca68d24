"""Uploading blobs: in one request, and in others where that is not taken."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable, Iterator

import pytest

from python_docker.errors import AccessDenied, ConnectionFailed, ContentMismatch, RegistryError, TooManyRequests
from python_docker.image.blob import Blob
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.upload.blob import upload_blob
from python_docker.registry.upload.session import Session, mount_blob, start_upload
from python_docker.spec.digest import Digest
from tests import peers
from tests.python_docker.registry.contents import Tally, descriptor_of, random_blob
from tests.python_docker.registry.stub_registry import StubRegistry, refusal, sha256
from tests.python_docker.registry.stub_server import Answer, Asked, StubServer
from tests.python_docker.registry.tcp_proxy import Fault, TcpProxy

SIZE = 300_000
CONTENT, BLOB = random_blob(SIZE)
DIGEST = BLOB.descriptor.digest


@pytest.fixture
def client(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    return RegistryClient(stub.url, options)


def upload(client: RegistryClient, blob: Blob = BLOB) -> None:
    """Upload a blob and see to it that what was told of the progress adds up."""
    tally = Tally()
    upload_blob(client, "team/app", blob, tally)
    assert tally.moved == blob.descriptor.size


def methods(stub: StubRegistry) -> list[str]:
    return [asked.method for asked in stub.requests if asked.path != "/v2/"]


def when(method: str, answer: Callable[[Asked], Answer | None]) -> Callable[[Asked], Answer | None]:
    return lambda asked: answer(asked) if asked.method == method and "/blobs/uploads/" in asked.path else None


def test_one_put(client: RegistryClient, stub: StubRegistry) -> None:
    upload(client)
    assert stub.blobs["team/app", DIGEST] == CONTENT
    assert methods(stub) == ["POST", "PUT"]
    put = stub.asked("PUT")[0]
    assert (put.headers["content-length"], put.headers["content-type"]) == (str(SIZE), "application/octet-stream")
    assert "transfer-encoding" not in put.headers
    assert put.query["digest"] == DIGEST
    assert put.query["_state"]


def test_empty_blob(client: RegistryClient, stub: StubRegistry) -> None:
    upload(client, Blob.from_bytes(b"", "text/plain"))
    assert stub.blobs["team/app", sha256(b"")] == b""


@pytest.mark.parametrize(
    "place",
    [
        "/v2/{path}/blobs/uploads/{id}?_state={state}",
        "{id}?_state={state}",
        "/v2/{path}/blobs/uploads/{id}",
        "{url}/v2/{{path}}/blobs/uploads/{{id}}?_state={{state}}",
        "{url}/v2/{{path}}/blobs/uploads/{{id}}#fragment",
    ],
)
def test_places(client: RegistryClient, stub: StubRegistry, place: str) -> None:
    stub.place = place.format(url=stub.url) if "{url}" in place else place
    upload(client)
    assert stub.blobs["team/app", DIGEST] == CONTENT


def test_place_at_another_host(
    client: RegistryClient, options: RegistryOptions, stub: StubRegistry, started: Callable[[StubServer], StubServer]
) -> None:
    """Some registries take content at another host, which must not see the login."""
    other = started(StubServer(lambda asked: Answer(201)))
    stub.place = f"{other.url}/store?x=1"
    upload(RegistryClient(stub.url, options.with_fields(username="alice", password="secret")))
    assert other.requests[0].query == {"x": "1", "digest": DIGEST}
    assert other.requests[0].body == CONTENT
    assert "authorization" not in other.requests[0].headers
    assert "authorization" in stub.asked("POST")[0].headers


def test_no_place(client: RegistryClient, stub: StubRegistry) -> None:
    stub.hook = when("POST", lambda asked: Answer(202))
    with pytest.raises(RegistryError, match="no Location") as caught:
        upload(client)
    assert stub.host in str(caught.value)


@pytest.mark.parametrize("query", ["", "?mount=x&from=y"])
def test_place_by_its_number(client: RegistryClient, stub: StubRegistry, query: str) -> None:
    """A proxy took the Location away; distribution gives the number of the upload as well."""

    def answer(asked: Asked) -> Answer:
        stub.uploads["abc-123"] = bytearray()
        stub._state["abc-123"] = ""
        return Answer(202, headers={"Docker-Upload-UUID": "abc-123"})

    stub.hook = when("POST", answer)
    if query:
        session = mount_blob(client, "team/app", DIGEST, "team/base")
        assert isinstance(session, Session)
        assert session.url == f"{stub.url}/v2/team/app/blobs/uploads/abc-123"
    upload(client)
    assert stub.blobs["team/app", DIGEST] == CONTENT


@pytest.mark.parametrize("kept", [True, False])
def test_accepted_for_later(client: RegistryClient, stub: StubRegistry, kept: bool) -> None:
    def answer(asked: Asked) -> Answer:
        if kept:
            stub.default(asked)
        return Answer(202)

    stub.hook = when("PUT", answer)
    if kept:
        upload(client)
    else:
        with pytest.raises(RegistryError, match="does not have it"):
            upload(client)


class TestForgottenUploads:
    """Registries behind one address that do not share what is under way."""

    def test_by_chance_found_again(self, client: RegistryClient, stub: StubRegistry) -> None:
        chance = random.Random(1)
        owner = 0

        def answer(asked: Asked) -> Answer | None:
            nonlocal owner
            came_to = chance.randrange(3)
            if asked.method == "POST":
                owner = came_to
            return refusal(404, "BLOB_UPLOAD_UNKNOWN") if asked.method == "PUT" and came_to != owner else None

        stub.hook = answer
        upload(client)
        assert stub.blobs["team/app", DIGEST] == CONTENT
        assert len(stub.asked("PUT")) > 1

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    @pytest.mark.parametrize("code", ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", ""])
    def test_for_ever(self, stub: StubRegistry, options: RegistryOptions, code: str, method: str) -> None:
        client = RegistryClient(stub.url, options.with_fields(chunk_size=100_000 if method == "PATCH" else None))

        def answer(asked: Asked) -> Answer | None:
            if asked.method in {"PUT", "PATCH"}:
                return refusal(404, code) if code else Answer(404, b"<html>nginx</html>")
            return None

        stub.hook = answer
        with pytest.raises(RegistryError, match="does not know the uploads that it began") as caught:
            upload(client)
        assert stub.host in str(caught.value)
        assert len(stub.asked("POST")) <= 3 * options.attempts

    def test_after_a_patch(self, stub: StubRegistry, options: RegistryOptions) -> None:
        client = RegistryClient(stub.url, options.with_fields(chunk_size=100_000))
        stub.hook = when(
            "PUT", lambda asked: refusal(404, "BLOB_UPLOAD_UNKNOWN") if len(stub.asked("PUT")) == 1 else None
        )
        upload(client)
        assert stub.blobs["team/app", DIGEST] == CONTENT


@pytest.mark.parametrize("place", ["ftp://example.org/x", "http://[broken/", "http:///x"])
def test_place_that_is_none(client: RegistryClient, stub: StubRegistry, place: str) -> None:
    stub.hook = when("POST", lambda asked: Answer(202, headers={"Location": place}))
    with pytest.raises(RegistryError):
        upload(client)


class TestPassingFailures:
    @pytest.mark.parametrize("status", [429, 500, 503])
    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_status(self, client: RegistryClient, stub: StubRegistry, method: str, status: int) -> None:
        stub.hook = when(method, lambda asked: Answer(status) if len(stub.asked(method)) < 4 else None)
        upload(client)
        assert stub.blobs["team/app", DIGEST] == CONTENT

    def test_for_ever(self, client: RegistryClient, stub: StubRegistry, options: RegistryOptions) -> None:
        stub.hook = when("PUT", lambda asked: Answer(503))
        with pytest.raises(RegistryError, match="upload blob") as caught:
            upload(client)
        assert caught.value.status == 503
        assert len(stub.asked("PUT")) == options.attempts

    def test_long_wait(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = when("PUT", lambda asked: Answer(429, headers={"Retry-After": "3600"}))
        with pytest.raises(TooManyRequests):
            upload(client)
        assert len(stub.asked("PUT")) == 1

    def test_lost_answer(self, client: RegistryClient, stub: StubRegistry) -> None:
        """The blob is there, only nobody said so: it is looked for before it is sent again."""

        def answer(asked: Asked) -> Answer:
            stub.default(asked)
            return Answer(raw=b"HTTP/1.1 2")

        stub.hook = when("PUT", answer)
        upload(client)
        assert methods(stub) == ["POST", "PUT", "HEAD"]

    @pytest.mark.parametrize("code", ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"])
    def test_lost_session(self, client: RegistryClient, stub: StubRegistry, code: str) -> None:
        stub.hook = when("PUT", lambda asked: refusal(404, code) if len(stub.asked("PUT")) == 1 else None)
        upload(client)
        assert methods(stub)[-2:] == ["POST", "PUT"]

    def test_damage_on_the_way(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = when("PUT", lambda asked: refusal(400, "DIGEST_INVALID") if len(stub.asked("PUT")) == 1 else None)
        upload(client)
        assert stub.blobs["team/app", DIGEST] == CONTENT

    def test_cut_in_the_midst(
        self, stub: StubRegistry, options: RegistryOptions, started: Callable[[TcpProxy], TcpProxy]
    ) -> None:
        cuts = iter([Fault(), Fault(cut_up=100_000), Fault(cut_up=250_000)])
        proxy = started(TcpProxy(stub.port, lambda: next(cuts, Fault())))
        upload(RegistryClient(proxy.url, options))
        assert stub.blobs["team/app", DIGEST] == CONTENT

    def test_no_access(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = when("PUT", lambda asked: refusal(403, "DENIED"))
        with pytest.raises(AccessDenied):
            upload(client)
        assert len(stub.asked("PUT")) == 1


class TestOtherWays:
    @pytest.mark.parametrize("status", [400, 404, 405, 411, 415, 501])
    def test_patch(self, client: RegistryClient, stub: StubRegistry, status: int) -> None:
        """Some take content by PATCH alone."""
        stub.hook = when("PUT", lambda asked: Answer(status) if asked.body else None)
        upload(client)
        assert stub.blobs["team/app", DIGEST] == CONTENT
        assert [len(asked.body) for asked in stub.asked("PATCH")] == [SIZE]
        assert "content-range" not in stub.asked("PATCH")[0].headers
        # What was learned is not tried again.
        before = len(stub.requests)
        _, other = random_blob(1000, "other")
        upload(client, other)
        assert [asked.method for asked in stub.requests[before:]] == ["POST", "PATCH", "PUT"]

    def test_patch_answered_without_a_place(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.place = "/v2/{path}/blobs/uploads/{id}"

        def answer(asked: Asked) -> Answer | None:
            if asked.method == "PUT" and asked.body:
                return refusal(405, "UNSUPPORTED")
            if asked.method == "PATCH":
                *_, content = stub.uploads.values()
                content += asked.body
                return Answer(202)
            return None

        stub.hook = answer
        upload(client)
        assert stub.blobs["team/app", DIGEST] == CONTENT

    def test_chunks_asked_for(self, stub: StubRegistry, options: RegistryOptions) -> None:
        client = RegistryClient(stub.url, options.with_fields(chunk_size=100_000))
        upload(client)
        assert stub.blobs["team/app", DIGEST] == CONTENT
        # The form of the distribution specification, not that of HTTP.
        assert [asked.headers["content-range"] for asked in stub.asked("PATCH")] == [
            "0-99999",
            "100000-199999",
            "200000-299999",
        ]
        assert stub.asked("PUT")[0].body == b""

    def test_small_blobs_need_no_chunks(self, stub: StubRegistry, options: RegistryOptions) -> None:
        upload(RegistryClient(stub.url, options.with_fields(chunk_size=SIZE)))
        assert methods(stub) == ["POST", "PUT"]

    def test_least_size_of_chunks(self, stub: StubRegistry, options: RegistryOptions) -> None:
        stub.upload_headers = {"OCI-Chunk-Min-Length": "200000"}
        upload(RegistryClient(stub.url, options.with_fields(chunk_size=1000)))
        assert [len(asked.body) for asked in stub.asked("PATCH")] == [200_000, 100_000]

    @pytest.mark.parametrize("refused", [413, 416])
    @pytest.mark.parametrize("most", [70_000, 100_000, 200_000])
    def test_bodies_that_are_too_large(
        self, client: RegistryClient, stub: StubRegistry, refused: int, most: int
    ) -> None:
        """GitHub's registry takes 4 MiB, nginx as it comes 1 MiB; the status is one or the other."""
        stub.hook = lambda asked: Answer(413 if asked.method == "PUT" else refused) if len(asked.body) > most else None
        upload(client)
        assert stub.blobs["team/app", DIGEST] == CONTENT
        assert len(stub.requests) < 20
        # What was learned is not tried again.
        before = len(stub.requests)
        _, other = random_blob(SIZE, "other")
        upload(client, other)
        assert max(len(asked.body) for asked in stub.requests[before:]) <= most

    def test_nothing_is_small_enough(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = lambda asked: Answer(413) if asked.body else None
        with pytest.raises(RegistryError, match="too large") as caught:
            upload(client)
        assert caught.value.status == 413
        assert len(stub.requests) < 50

    def test_no_way_at_all(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = lambda asked: Answer(405) if asked.method in {"PUT", "PATCH"} else None
        with pytest.raises(RegistryError, match="does not allow that"):
            upload(client)
        assert len(stub.requests) < 50
        # Begun uploads were taken back.
        assert stub.uploads == {}

    def test_chunks_are_not_known(self, stub: StubRegistry, options: RegistryOptions) -> None:
        """Google's registry takes no chunks, whatever was asked for."""
        stub.hook = when("PATCH", lambda asked: Answer(405))
        upload(RegistryClient(stub.url, options.with_fields(chunk_size=1000)))
        assert stub.blobs["team/app", DIGEST] == CONTENT


class TestChunks:
    @pytest.fixture
    def chunking(self, stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
        return RegistryClient(stub.url, options.with_fields(chunk_size=100_000))

    def test_latest_place_is_used(self, chunking: RegistryClient, stub: StubRegistry) -> None:
        upload(chunking)
        assert len({asked.query["_state"] for asked in stub.asked("PATCH") + stub.asked("PUT")}) == 4

    def test_answer_without_place(self, chunking: RegistryClient, stub: StubRegistry) -> None:
        stub.place = "/v2/{path}/blobs/uploads/{id}"

        def answer(asked: Asked) -> Answer:
            told = stub.default(asked)
            told.headers = {name: value for name, value in dict(told.headers).items() if name != "Location"}
            return told

        stub.hook = when("PATCH", answer)
        upload(chunking)
        assert stub.blobs["team/app", DIGEST] == CONTENT

    def test_lost_chunk(self, chunking: RegistryClient, stub: StubRegistry) -> None:
        # It did not arrive, and the registry says so.
        stub.hook = when("PATCH", lambda asked: Answer(raw=b"") if len(stub.asked("PATCH")) == 2 else None)
        upload(chunking)
        assert methods(stub) == ["POST", "PATCH", "PATCH", "GET", "PATCH", "PATCH", "PUT"]

    def test_lost_answer(self, chunking: RegistryClient, stub: StubRegistry) -> None:
        # It arrived; sent again it would be there twice.
        def answer(asked: Asked) -> Answer | None:
            if len(stub.asked("PATCH")) != 2:
                return None
            stub.default(asked)
            # The place is another one now, but status may be asked for at any.
            return Answer(raw=b"")

        stub.place = "/v2/{path}/blobs/uploads/{id}"
        stub.hook = when("PATCH", answer)
        upload(chunking)
        assert stub.blobs["team/app", DIGEST] == CONTENT
        assert len(stub.asked("PATCH")) == 3

    def test_status_is_not_known(self, chunking: RegistryClient, stub: StubRegistry) -> None:
        """Then all of it begins anew (docker-registry 2.8 forgets an upload whose PATCH broke)."""

        def answer(asked: Asked) -> Answer | None:
            if asked.method == "GET" and "/uploads/" in asked.path:
                return refusal(404, "BLOB_UPLOAD_INVALID")
            broken = asked.method == "PATCH" and len(stub.asked("PATCH")) == 2
            return Answer(raw=b"") if broken else None

        stub.hook = answer
        upload(chunking)
        assert stub.blobs["team/app", DIGEST] == CONTENT
        assert len(stub.asked("POST")) == 2

    def test_wrong_range_is_noticed(self, chunking: RegistryClient, stub: StubRegistry) -> None:
        """A registry that sticks at the first chunk in what it says is not sent chunks for ever."""

        def answer(asked: Asked) -> Answer:
            told = stub.default(asked)
            told.headers = {**dict(told.headers), "Range": "0-99999"}
            return told

        stub.hook = lambda asked: (
            answer(asked) if asked.method in {"PATCH", "GET"} and "/uploads/" in asked.path else None
        )
        upload(chunking)
        assert stub.blobs["team/app", DIGEST] == CONTENT
        assert len(stub.requests) < 20

    def test_range_behind_the_times(self, chunking: RegistryClient, stub: StubRegistry) -> None:
        def answer(asked: Asked) -> Answer:
            told = stub.default(asked)
            told.headers = {**dict(told.headers), "Range": "0-5"}
            return told

        stub.hook = when("PATCH", answer)
        upload(chunking)
        assert len(stub.asked("PATCH")) == 3
        assert len([asked for asked in stub.asked("GET") if "/uploads/" in asked.path]) == 3

    @pytest.mark.parametrize("told", ["bytes=0-{end}", "bytes 0-{end}", "", "nonsense"])
    def test_forms_of_range(self, chunking: RegistryClient, stub: StubRegistry, told: str) -> None:
        def answer(asked: Asked) -> Answer:
            reply = stub.default(asked)
            end = re.sub("0-", "", dict(reply.headers)["Range"])
            reply.headers = {**dict(reply.headers), "Range": told.format(end=end)}
            return reply

        stub.hook = when("PATCH", answer)
        upload(chunking)
        assert len(stub.asked("PATCH")) == 3

    def test_one_byte(self, stub: StubRegistry, options: RegistryOptions) -> None:
        # `0-0` says one byte, or none.
        client = RegistryClient(stub.url, options.with_fields(chunk_size=1))
        upload(client, Blob.from_bytes(b"abc", "text/plain"))
        assert len(stub.asked("PATCH")) == 3

    def test_limit_in_between(self, chunking: RegistryClient, stub: StubRegistry) -> None:
        stub.hook = when(
            "PATCH", lambda asked: Answer(429, headers={"Retry-After": "0"}) if len(stub.asked("PATCH")) == 2 else None
        )
        upload(chunking)
        assert len(stub.asked("POST")) == 1

    def test_large_blobs_over_a_bad_line(
        self,
        stub: StubRegistry,
        options: RegistryOptions,
        started: Callable[[TcpProxy], TcpProxy],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """What breaks again and again as a whole arrives in chunks, none of which is lost."""
        monkeypatch.setattr("python_docker.registry.upload.blob._CHUNK", 50_000)
        monkeypatch.setattr("python_docker.registry.upload.blob._MANY", 200_000)
        proxy = started(TcpProxy(stub.port, lambda: Fault(cut_up=130_000)))
        upload(RegistryClient(proxy.url, options))
        assert stub.blobs["team/app", DIGEST] == CONTENT


class TestBadSources:
    def test_a_build_that_is_stopped_ends_an_upload(self, client: RegistryClient, stub: StubRegistry) -> None:
        class Stopped(Exception):
            pass

        class Stopping(Tally):
            def advance(self, size: int) -> None:
                raise Stopped

        with pytest.raises(Stopped):
            upload_blob(client, "team/app", BLOB, Stopping())

    def test_other_content(self, client: RegistryClient, stub: StubRegistry) -> None:
        wrong = Blob(BLOB.descriptor, lambda: io.BytesIO(bytes(SIZE)))
        with pytest.raises(ContentMismatch):
            upload(client, wrong)
        assert stub.blobs == {}
        assert stub.uploads == {}
        assert len(stub.asked("PUT")) == 0

    def test_short_content(self, client: RegistryClient, stub: StubRegistry) -> None:
        short = Blob(BLOB.descriptor, lambda: io.BytesIO(CONTENT[:1000]))
        with pytest.raises(ContentMismatch, match="truncated"):
            upload(client, short)

    def test_unreadable(self, client: RegistryClient, stub: StubRegistry) -> None:
        def opener() -> io.BytesIO:
            raise PermissionError(13, "no")

        with pytest.raises(PermissionError):
            upload(client, Blob(BLOB.descriptor, opener))
        assert len(stub.asked("POST")) == 1

    def test_broken_source_is_not_taken_for_a_broken_registry(self, client: RegistryClient, stub: StubRegistry) -> None:
        class Broken(io.RawIOBase):
            def read(self, size: int = -1) -> bytes:
                raise ConnectionFailed("the source broke")

        with pytest.raises(ConnectionFailed, match="the source broke"):
            upload(client, Blob(BLOB.descriptor, Broken))  # type: ignore[arg-type]
        assert len(stub.asked("POST")) == 1


class TestMount:
    def test_without_place(self, client: RegistryClient, stub: StubRegistry) -> None:
        """Then the upload begins as any other."""
        stub.hook = when("POST", lambda asked: Answer(202) if "mount" in asked.query else None)
        assert mount_blob(client, "team/app", DIGEST, "team/base") is False
        upload(client)

    def test_done(self, client: RegistryClient, stub: StubRegistry) -> None:
        stub.blobs["team/app", DIGEST] = CONTENT
        assert mount_blob(client, "team/other", DIGEST, "team/app") is True
        assert stub.blobs["team/other", DIGEST] == CONTENT

    def test_upload_instead(self, client: RegistryClient, stub: StubRegistry) -> None:
        session = mount_blob(client, "team/other", DIGEST, "team/app")
        assert isinstance(session, Session)
        upload_blob(client, "team/other", BLOB, Tally(), session)
        assert methods(stub) == ["POST", "PUT"]

    @pytest.mark.parametrize("status", [400, 403, 404, 405, 500])
    def test_not_known(self, client: RegistryClient, stub: StubRegistry, status: int) -> None:
        stub.hook = when("POST", lambda asked: Answer(status) if "mount" in asked.query else None)
        assert mount_blob(client, "team/other", DIGEST, "team/app") is False

    def test_session_of_old(self, client: RegistryClient, stub: StubRegistry) -> None:
        gone = start_upload(client, "team/app")
        stub.uploads.clear()
        upload_blob(client, "team/app", BLOB, Tally(), gone)
        assert stub.blobs["team/app", DIGEST] == CONTENT


class TestAgainstARealRegistry:
    @pytest.fixture(params=[None, 100_000])
    def real(
        self, request: pytest.FixtureRequest, registry: peers.Registry, options: RegistryOptions
    ) -> RegistryClient:
        return RegistryClient(registry.url, options.with_fields(chunk_size=request.param))

    def test_upload(self, real: RegistryClient, repository: str) -> None:
        content, blob = random_blob(SIZE, (repository, real.options.chunk_size))
        upload_blob(real, repository, blob, Tally())
        with real.blob(repository, blob.descriptor).open() as stream:
            assert stream.read() == content

    def test_cuts(
        self, real: RegistryClient, registry: peers.Registry, repository: str, started: Callable[[TcpProxy], TcpProxy]
    ) -> None:
        """This registry forgets an upload that broke."""
        cuts = iter([Fault(), Fault(cut_up=150_000), Fault(cut_up=250_000), Fault(cut_down=300)])
        proxy = started(TcpProxy(registry.port, lambda: next(cuts, Fault())))
        content, blob = random_blob(SIZE, (repository, real.options.chunk_size))
        tally = Tally()
        upload_blob(RegistryClient(proxy.url, real.options), repository, blob, tally)
        assert tally.moved == SIZE
        with real.blob(repository, blob.descriptor).open() as stream:
            assert stream.read() == content

    def test_by_patch(self, registry: peers.Registry, repository: str, options: RegistryOptions) -> None:
        client = RegistryClient(registry.url, options)
        client.upload_limits.refused.add("whole")
        _, blob = random_blob(SIZE, repository)
        before = len(registry.requests())
        upload_blob(client, repository, blob, Tally())
        assert [request.method for request in registry.requests(since=before)][1:] == ["POST", "PATCH", "PUT"]


def test_digest_of_another_algorithm(client: RegistryClient, stub: StubRegistry) -> None:
    import hashlib

    digest = Digest("sha512:" + hashlib.sha512(CONTENT).hexdigest())
    blob = BLOB.describe(descriptor_of(CONTENT).replace(digest=digest))
    stub.hook = when("PUT", lambda asked: Answer(201))
    upload(client, blob)
    assert stub.asked("PUT")[0].query["digest"] == digest


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """Fail on readers of blobs that nobody closed, which warn when they are collected."""
    import gc

    yield
    gc.collect()
