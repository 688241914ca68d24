"""Lists in pages, as registries of every kind give them."""

from __future__ import annotations

import json

import pytest

from python_docker.errors import InvalidDocument, RegistryError
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.lists import next_names
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer, Asked


@pytest.fixture
def client(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    return RegistryClient(stub.url, options)


def test_null(client: RegistryClient, stub: StubRegistry) -> None:
    assert list(client.tags("team/app")) == [[]]


@pytest.mark.parametrize(
    "form",
    [
        '<{path}?n=2&last={last}>; rel="next"',
        "<{url}{path}?last={last}>; rel=next",
        '<list?last={last}>;rel="next"',
    ],
)
def test_links(client: RegistryClient, stub: StubRegistry, form: str) -> None:
    pages = {"": ["a", "b"], "b": ["c", "d"], "d": ["e"]}

    def answer(asked: Asked) -> Answer:
        names = pages[asked.query.get("last", "")]
        link = form.format(url=stub.url, path=asked.path, last=names[-1])
        return Answer(200, json.dumps({"tags": names}).encode(), {"Link": link} if names[-1] in pages else {})

    stub.hook = lambda asked: answer(asked) if "tags" in asked.path else None
    assert list(client.tags("team/app")) == [["a", "b"], ["c", "d"], ["e"]]


def test_question(client: RegistryClient, stub: StubRegistry) -> None:
    list(client.tags("team/app", page_size=7, last="a&b"))
    assert stub.asked("GET", "tags")[0].query == {"n": "7", "last": "a&b"}


def test_circle(client: RegistryClient, stub: StubRegistry) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(200, b'{"tags":["a"]}', {"Link": f'<{asked.path}?last=a>; rel="next"'})

    stub.hook = lambda asked: answer(asked) if "tags" in asked.path else None
    with pytest.raises(RegistryError, match="circle"):
        list(client.tags("team/app"))


def test_never_ending(client: RegistryClient, stub: StubRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("python_docker.registry.lists._MAX_PAGES", 20)

    def answer(asked: Asked) -> Answer:
        return Answer(200, b'{"tags":["a"]}', {"Link": f'<{asked.path}?last={asked.number}>; rel="next"'})

    stub.hook = lambda asked: answer(asked) if "tags" in asked.path else None
    with pytest.raises(RegistryError, match="no end"):
        list(client.tags("team/app"))


def test_elsewhere(client: RegistryClient, stub: StubRegistry) -> None:
    link = {"Link": '<http://127.0.0.1:9/v2/x/tags/list>; rel="next"'}
    stub.hook = lambda asked: Answer(200, b'{"tags":["a"]}', link) if "tags" in asked.path else None
    with pytest.raises(RegistryError, match="another host"):
        list(client.tags("team/app"))


@pytest.mark.parametrize("body", [b"[]", b'{"tags":"a"}', b'{"tags":[1]}', b"<html>", b'"tags"', b"5"])
def test_malformed(client: RegistryClient, stub: StubRegistry, body: bytes) -> None:
    stub.hook = lambda asked: Answer(200, body) if "tags" in asked.path else None
    with pytest.raises(InvalidDocument):
        list(client.tags("team/app"))


def test_next_names_of_a_registry_that_knows_no_pages() -> None:
    assert next_names([["c", "a", "b"]], n=2, last="a") == ["b", "c"]
    assert next_names([["c", "a", "b"]], n=None, last="a") == ["b", "c"]
    assert next_names([["b", "a"]], n=None, last=None) == ["b", "a"]
