"""Which `Authorization` header a registry gets, and who gets the credentials."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from python_docker.errors import AccessDenied, RegistryError
from python_docker.http.client import HttpClient
from python_docker.http.response import Response
from python_docker.registry.access.credentials import Credentials
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.auth.authorizer import Authenticator
from python_docker.registry.auth.challenge import parse_challenges
from tests.python_docker.http.answers import MemoryAnswer
from tests.python_docker.registry.stub_server import Answer, StubServer

ALICE = Credentials.of_user("alice", "wonderland")
TOKEN = Credentials(registry_token="abc")
PULL = ["repository:team/app:pull"]
Login = Callable[..., Authenticator]


@pytest.fixture
def tokens(started: Callable[[StubServer], StubServer]) -> StubServer:
    """Return a token server whose tokens are numbered."""
    server = StubServer(lambda asked: Answer(200, b'{"token": "token-%d", "expires_in": 300}' % asked.number))
    return started(server)


@pytest.fixture
def login(options: RegistryOptions) -> Login:
    """Return a function that makes what logs in at a registry with this challenge."""

    def make(
        challenge: str = "", credentials: Credentials = ALICE, url: str = "http://127.0.0.1:5000"
    ) -> Authenticator:
        made = Authenticator(url, HttpClient(options), options, credentials)
        made.meet(parse_challenges([challenge] if challenge else []))
        return made

    return make


def bearer(tokens: StubServer, scope: str = "") -> str:
    return f'Bearer realm="{tokens.url}/token",service="r"' + (f',scope="{scope}"' if scope else "")


def answer(**headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(MemoryAnswer(401, headers=named.items()), "http://127.0.0.1:5000/v2/", RegistryOptions())


def test_a_registry_that_wants_no_login_gets_it_all_the_same(login: Login) -> None:
    assert login().header(PULL) == ALICE.basic
    assert login(credentials=Credentials()).header(PULL) is None


def test_a_token_that_the_user_has_is_sent_as_it_is(login: Login) -> None:
    assert login('Basic realm="x"', TOKEN).header(PULL) == "Bearer abc"


def test_a_token_is_kept_for_as_long_as_it_will_do(login: Login, tokens: StubServer) -> None:
    made = login(bearer(tokens))
    assert made.header(PULL) == made.header(PULL) == "Bearer token-0"
    assert made.header(["repository:team/other:pull"]) == "Bearer token-1"
    assert len(tokens.requests) == 2


def test_a_login_of_an_unknown_kind(login: Login) -> None:
    with pytest.raises(AccessDenied, match="wants a login of an unknown kind: negotiate"):
        login("Negotiate abc")


def test_tokens_go_before_passwords(login: Login, tokens: StubServer) -> None:
    # containerd sorts challenges so, and Docker asks its token handler first.
    made = login(f'Basic realm="x", {bearer(tokens)}')
    assert (made.header(PULL) or "").startswith("Bearer ")


def test_of_several_kinds_one_is_taken_that_we_have_credentials_for(login: Login, tokens: StubServer) -> None:
    assert login(f'Basic realm="x", {bearer(tokens)}', Credentials()).header(PULL) == "Bearer token-0"


def test_a_refused_token_is_asked_for_anew_with_what_the_registry_names(login: Login, tokens: StubServer) -> None:
    made = login(bearer(tokens))
    since = time.monotonic()
    sent = made.header(PULL)
    challenges = parse_challenges([bearer(tokens, "repository:team/app:delete")])
    assert made.refused(challenges, sent, PULL, since)
    assert made.header(PULL) == "Bearer token-1"
    assert "delete" in tokens.requests[1].query["scope"]


def test_refused_credentials_are_not_sent_again(login: Login) -> None:
    basic = 'Basic realm="x"'
    assert not login(basic).refused(parse_challenges([basic]), ALICE.basic, PULL, 0)
    assert login(basic).refused(parse_challenges([basic]), None, PULL, 0)
    assert not login(basic, TOKEN).refused(parse_challenges([basic]), "Bearer abc", PULL, 0)


def test_who_is_judged_by_a_refusal(login: Login, tokens: StubServer) -> None:
    assert login('Basic realm="x"').judged_by(answer()) is ALICE
    assert login(bearer(tokens)).judged_by(answer()) is None
    assert login(credentials=TOKEN).judged_by(answer()) is None
    assert login(credentials=TOKEN).judged_by(answer(WWW_Authenticate='Bearer error="invalid_token"')) is TOKEN


def test_words_of_others_are_shown_without_credentials(login: Login, tokens: StubServer) -> None:
    made = login(bearer(tokens))
    made.header(PULL)
    assert made.hide("alice wonderland token-0 malice") == "*** *** *** malice"


@pytest.mark.parametrize(
    ("realm", "words"),
    [
        ("http://auth.example.org/token", "a token server that is not encrypted"),
        ("https://10.0.0.1/token", "a token server inside this network"),
        ("ftp://[broken", "whose address cannot be used"),
    ],
)
def test_a_token_server_that_must_not_see_credentials(login: Login, realm: str, words: str) -> None:
    made = login(f'Bearer realm="{realm}"', url="https://registry.example.org")
    with pytest.raises(RegistryError, match=words):
        made.header(PULL)
