"""Where credentials and content go: nowhere that a registry could only name by mistake, or with bad intentions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from python_docker.errors import RegistryError
from python_docker.http.client import HttpClient
from python_docker.http.url import is_inner_address
from python_docker.registry.access.credentials import Credentials
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.auth.authorizer import Authenticator
from python_docker.registry.auth.challenge import Challenge
from python_docker.registry.client import RegistryClient
from python_docker.registry.upload.blob import upload_blob
from tests import peers
from tests.python_docker.registry.certificates import Certified, self_signed
from tests.python_docker.registry.contents import Tally, random_blob, small_image
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer, Asked, StubServer

_, BLOB = random_blob(1000)
ALICE = Credentials("alice", "secret")


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    return self_signed(tmp_path / "tls")


@pytest.fixture
def safe(certified: Certified) -> Iterator[StubRegistry]:
    """Return a registry that speaks TLS."""
    registry = StubRegistry(tls=certified.server_context())
    yield registry
    registry.stop()


@pytest.fixture
def trusting(options: RegistryOptions, certified: Certified) -> RegistryOptions:
    return options.with_fields(ca_bundle=certified.certificate, username="alice", password="secret")


class TestRealms:
    @pytest.mark.parametrize(
        ("registry", "realm"),
        [
            ("https://registry.example.org", "http://auth.example.org/token"),
            ("https://registry.example.org", "http://localhost/token"),
            ("https://registry.example.org", "https://localhost/token"),
            ("https://registry.example.org", "https://127.0.0.1/token"),
            ("https://registry.example.org", "https://10.0.0.7/token"),
            ("https://registry.example.org", "https://[::1]/token"),
            ("http://registry.example.org", "http://169.254.169.254/token"),
            ("https://registry.example.org", "ftp://auth.example.org/token"),
            ("https://registry.example.org", "file:///etc/passwd"),
            ("https://registry.example.org", "//auth.example.org"),
            ("https://registry.example.org", "https://[broken/"),
        ],
    )
    def test_refused(self, options: RegistryOptions, registry: str, realm: str) -> None:
        login = Authenticator(registry, HttpClient(options), options, ALICE)
        login.meet([Challenge("bearer", {"realm": realm})])
        with pytest.raises(RegistryError, match="token server"):
            login.header(["repository:a:pull"])

    @pytest.mark.parametrize(
        ("registry", "realm"),
        [
            ("https://registry.example.org", "https://auth.example.org/token"),
            ("http://registry.example.org", "http://auth.example.org/token"),
            ("https://10.0.0.7", "https://10.0.0.8/token"),
            ("https://10.0.0.7:5000", "https://10.0.0.7/token"),
            ("https://localhost:5000", "http://localhost:5001/token"),
        ],
    )
    def test_taken(self, options: RegistryOptions, registry: str, realm: str) -> None:
        Authenticator(registry, HttpClient(options), options, ALICE)._check_realm(realm)

    def test_insecure_takes_all(self, options: RegistryOptions) -> None:
        options = options.with_fields(insecure=True)
        login = Authenticator("https://registry.example.org", HttpClient(options), options, ALICE)
        login._check_realm("http://10.0.0.7/token")

    def test_redirected_token_requests_leave_credentials_behind(
        self, stub: StubRegistry, options: RegistryOptions, started: Callable[[StubServer], StubServer]
    ) -> None:
        other = started(StubServer(lambda asked: Answer(200, json.dumps({"token": "t"}).encode())))

        def answer(asked: Asked) -> Answer | None:
            if asked.path == "/token":
                return Answer(307, headers={"Location": f"{other.url}/token"})
            realm = f'Bearer realm="{stub.url}/token"'
            return None if "authorization" in asked.headers else Answer(401, headers={"WWW-Authenticate": realm})

        stub.hook = answer
        by_get = RegistryClient(stub.url, options.with_fields(username="alice", password="secret"))
        assert list(by_get.tags("team/app")) == [[]]
        assert "authorization" in stub.asked("GET", "/token")[0].headers
        assert "authorization" not in other.requests[0].headers
        by_post = RegistryClient(stub.url, options.with_fields(username="<token>", password="refresh"))
        with pytest.raises(RegistryError):
            list(by_post.tags("team/app"))
        assert stub.asked("POST", "/token")
        assert len(other.requests) == 1

    @pytest.mark.parametrize(
        ("credentials", "tokens", "scheme"), [(ALICE, True, "bearer"), (ALICE, False, "basic"), (None, True, "bearer")]
    )
    def test_first_usable_challenge(
        self, options: RegistryOptions, credentials: Credentials | None, tokens: bool, scheme: str
    ) -> None:
        realm = Challenge("bearer", {"realm": "https://auth.example.org/token"})
        offered = [Challenge("digest"), Challenge("bearer"), Challenge("basic"), *([realm] if tokens else [])]
        login = Authenticator(
            "https://registry.example.org", HttpClient(options), options, credentials or Credentials()
        )
        login.meet(offered)
        assert login._challenge is not None
        assert login._challenge.scheme == scheme


class TestUploads:
    def test_not_out_of_tls(
        self, safe: StubRegistry, trusting: RegistryOptions, started: Callable[[StubServer], StubServer]
    ) -> None:
        plain = started(StubServer(lambda asked: Answer(201)))
        safe.place = f"http://127.0.0.1:{plain.port}/upload?x=1"
        with pytest.raises(RegistryError, match="not safe"):
            upload_blob(RegistryClient(safe.url, trusting), "team/app", BLOB, Tally())
        assert plain.requests == []

    def test_registry_that_does_not_know_of_its_tls(self, safe: StubRegistry, trusting: RegistryOptions) -> None:
        """Behind a proxy that ends TLS, its own address is wrong, and would lead out of it."""
        safe.place = safe.url.replace("https:", "http:") + "/v2/{path}/blobs/uploads/{id}?_state={state}"
        upload_blob(RegistryClient(safe.url, trusting), "team/app", BLOB, Tally())
        assert set(safe.blobs) == {("team/app", BLOB.descriptor.digest)}
        assert "authorization" in safe.asked("PUT")[0].headers

    @pytest.mark.parametrize("place", ["http://10.0.0.7/upload", "http://169.254.169.254/latest/", "http://[::1]/x"])
    def test_not_into_this_network(
        self, stub: StubRegistry, options: RegistryOptions, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        real = is_inner_address
        # As if the registry were outside.
        monkeypatch.setattr(
            "python_docker.registry.upload.session.is_inner_address", lambda host: host != "localhost" and real(host)
        )
        stub.place = place
        with pytest.raises(RegistryError, match="not safe"):
            upload_blob(RegistryClient(stub.url, options), "team/app", BLOB, Tally())


class TestTls:
    def test_of_a_real_registry(
        self, start_registry: Callable[..., peers.Registry], certified: Certified, options: RegistryOptions
    ) -> None:
        from python_docker import open_image, write_image
        from python_docker.errors import ConnectionFailed

        registry = start_registry(tls=(certified.certificate, certified.key_file))
        there = f"docker://{registry.host}/team/app:v1"
        with pytest.raises(ConnectionFailed, match="cannot be trusted"):
            write_image(small_image("x"), there, registry=options)
        trusting = options.with_fields(ca_bundle=certified.certificate)
        manifest = write_image(small_image("x"), there, registry=trusting)
        assert open_image(there, registry=options.with_fields(insecure=True)).digest == manifest.digest

    def test_certificates_of_the_environment(
        self, safe: StubRegistry, certified: Certified, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from python_docker.registry import Registry

        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certified.certificate))
        assert Registry(safe.url).list_image_tags("team/app") == []


def test_fresh_tokens_for_long_requests(stub: StubRegistry, options: RegistryOptions) -> None:
    """A token that is about to expire would end in the midst of a large upload."""
    given: list[str] = []

    def answer(asked: Asked) -> Answer | None:
        if asked.path != "/token":
            return None
        given.append(f"token-{len(given)}")
        return Answer(200, json.dumps({"token": given[-1], "expires_in": 100}).encode())

    stub.hook = answer
    login = Authenticator(stub.url, HttpClient(options), options, Credentials())
    login.meet([Challenge("bearer", {"realm": f"{stub.url}/token"})])
    scopes = ["repository:a:pull,push"]
    assert login.header(scopes) == login.header(scopes, long=True) == login.header(["repository:a:pull"])
    login._tokens[0] = type(login._tokens[0])("old", login._tokens[0].allows, login._tokens[0].issued - 60, 100)
    assert login.header(scopes) == "Bearer old"
    assert login.header(scopes, long=True) == "Bearer token-1"
    login._tokens = [type(login._tokens[0])("gone", login._tokens[0].allows, login._tokens[0].issued - 95, 100)]
    assert login.header(scopes) == "Bearer token-2"
