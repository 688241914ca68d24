"""Credentials leave URLs and texts, and nothing else does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.redaction import public_log, public_output, public_text, public_url, public_value

SECRET = "s3cr3t-t0ken"


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://conda.anaconda.org/conda-forge", "https://conda.anaconda.org/conda-forge"),
        ("https://user:s3cr3t-t0ken@host/channel/", "https://host/channel/"),
        ("https://s3cr3t-t0ken@host:8443/channel", "https://host:8443/channel"),
        ("https://user:p@s3cr3t-t0ken@host/channel", "https://host/channel"),
        (
            "https://conda.anaconda.org/t/s3cr3t-t0ken/team/noarch/a-1-0.conda",
            "https://conda.anaconda.org/team/noarch/a-1-0.conda",
        ),
        ("https://host/artifactory/t/s3cr3t-t0ken/team", "https://host/artifactory/team"),
        ("https://host/t/s3cr3t-t0ken", "https://host"),
        ("https://host/channel?token=s3cr3t-t0ken#md5", "https://host/channel"),
        ("s3://KEY:s3cr3t-t0ken@bucket/channel", "s3://bucket/channel"),
        ("file:///home/t/me/channel", "file:///home/t/me/channel"),
        ("conda-forge", "conda-forge"),
        ("/srv/t/me/channel", "/srv/t/me/channel"),
        ("https://[::1]:80/channel", "https://[::1]:80/channel"),
        ("https://me:s3cr3t/t0ken@host/channel", "https://host/channel"),
        ("https://me:s3cr3t#t0ken@host/channel", "https://host/channel"),
        ("https://me:s3cr3t?t0ken@host/channel", "https://host/channel"),
        ("https://a/s3cr3t-t0ken@host/channel", "https://host/channel"),
        ("https://me:p@ss/s3cr3t-t0ken@host/channel", "https://host/channel"),
        ("https:/me:s3cr3t-t0ken@host/channel", "host/channel"),
        ("//me:s3cr3t-t0ken@host/channel", "host/channel"),
        ("me:s3cr3t-t0ken@host/channel", "host/channel"),
        ("a/s3cr3t-t0ken@host", "host"),
        ("git+https://me:s3cr3t-t0ken@host.example/a.git@main", "git+https://host.example/a.git@main"),
        ("git+https://host.example/a.git@main", "git+https://host.example/a.git@main"),
        ("docker://host.example/a@sha256:00", "docker://host.example/a@sha256:00"),
        ("host.example/a@sha256:00", "host.example/a@sha256:00"),
        ("git@host.example:a", "git@host.example:a"),
        ("/srv/me@work/channel", "/srv/me@work/channel"),
        ("https://host/channel/t/s3cr3t-t0ken?x", "https://host/channel"),
    ],
)
def test_url(url: str, public: str) -> None:
    assert public_url(url) == public


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="/?#"), min_size=1))
def test_no_user_information_is_left(secret: str) -> None:
    assert public_url(f"https://{secret}:{secret}@host.example/c") == "https://host.example/c"


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_no_password_is_left_whatever_it_holds(secret: str) -> None:
    assert public_url(f"https://me:pw{secret}@host.example/c") == "https://host.example/c"


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "a:", "a://", "://", "@", "a@", "/t/", "/t/a", "?", "a?", "http://a@", "a:b@c/", "-", "a b://", "\\"],
)
@pytest.mark.parametrize("show", [public_text, public_log, public_url])
def test_long_texts_take_no_time(unit: str, show: Callable[[str], str]) -> None:
    started = time.process_time()
    show(unit * (400_000 // len(unit)))
    assert time.process_time() - started < 2


@given(st.text())
def test_a_public_url_stays_as_it_is(text: str) -> None:
    once = public_url(text)
    assert public_url(once) == once


def test_text() -> None:
    message = f"GET https://me:{SECRET}@host/t/{SECRET}/c: 403, also 'https://host/x?sig={SECRET}' (see log)"
    assert public_text(message) == "GET https://host/c: 403, also 'https://host/x' (see log)"


def test_texts_that_are_not_urls_are_kept() -> None:
    for text in (
        "write to me@example.org",
        "see https://host.example/x (or me@example.org)",
        "a >=1,<2 @ 3",
        "@EXPLICIT",
    ):
        assert public_text(text) == text


def test_passwords_in_texts_without_a_scheme() -> None:
    assert public_text(f"invalid URL 'me:{SECRET}@host/c' (a/{SECRET}@host)") == "invalid URL 'host/c' (host)"


@pytest.mark.parametrize("end", ["", "?x=1", " HTTP/1.1", "/team"])
def test_tokens_in_logs(end: str) -> None:
    assert SECRET not in public_log(f"GET /t/{SECRET}{end}")


def test_value() -> None:
    value = {"url": f"https://host/t/{SECRET}/c", "depends": ["a"], "deep": [{"x": f"https://{SECRET}@h/"}], "size": 3}
    assert SECRET not in json.dumps(public_value(value))
    assert public_value(value)["depends"] == ["a"]
    assert public_value(value)["size"] == 3


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("export AWS_SECRET_ACCESS_KEY=abc/def", "export AWS_SECRET_ACCESS_KEY=***"),
        ("{'api_key': 'abc', \"token\": \"d e\"}", "{'api_key': ***, \"token\": ***}"),
        ("password: hunter2, user: me", "password: ***, user: me"),
        ("Authorization: Basic dXNlcg==", "Authorization: Basic ***"),
        ("--client-secret abc", "--client-secret abc"),
        ("the tokenizer has 3 tokens in it", "the tokenizer has 3 tokens in it"),
        ("keyboard=us", "keyboard=us"),
    ],
)
def test_output_of_programs(printed: str, shown: str) -> None:
    assert public_output(printed) == shown


def test_values_of_variables_are_hidden_where_their_names_say_so() -> None:
    variables = {"GITHUB_TOKEN": "gh-123456", "PIN_TOKEN": "1", "HOME": "/home/app"}
    assert public_output("gh-123456 1 /home/app", variables) == "*** 1 /home/app"


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("no policy https:/me:pw@host/p?token=abc", "no policy https://host/p"),
        ("no file 'git+https:/host/t/tk-1/x'", "no file 'git+https://host/x'"),
        ("oci:/srv/a?b", "oci:/srv/a?b"),
        ("C:/srv/a?b", "C:/srv/a?b"),
    ],
)
def test_a_url_that_was_taken_for_a_path(text: str, public: str) -> None:
    assert public_text(text) == public
