"""Image references, as Docker reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from python_docker.errors import InvalidReference
from python_docker.spec.digest import Digest
from python_docker.spec.docker_hub import DOCKER_HUB
from python_docker.spec.reference import ImageReference, check_tag

DIGEST = Digest.of(b"")
ID = 64 * "a"


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest"),
    [
        ("ubuntu", "docker.io/library/ubuntu", "latest", None),
        ("ubuntu:24.04", "docker.io/library/ubuntu", "24.04", None),
        ("frolvlad/alpine-glibc", "docker.io/frolvlad/alpine-glibc", "latest", None),
        ("docker.io/ubuntu", "docker.io/library/ubuntu", "latest", None),
        ("index.docker.io/a/b", "docker.io/a/b", "latest", None),
        ("registry-1.docker.io/library/debian:sid-slim", "docker.io/library/debian", "sid-slim", None),
        ("ghcr.io/org/name:tag", "ghcr.io/org/name", "tag", None),
        (f"ghcr.io/org/name:tag@{DIGEST}", "ghcr.io/org/name", "tag", DIGEST),
        (f"ubuntu@{DIGEST}", "docker.io/library/ubuntu", None, DIGEST),
        ("localhost/x", "localhost/x", "latest", None),
        ("localhost:5000/team/app:v1", "localhost:5000/team/app", "v1", None),
        ("localhost:5000", "docker.io/library/localhost", "5000", None),
        ("[::1]:5000/x", "[::1]:5000/x", "latest", None),
        ("Host/x", "Host/x", "latest", None),
        ("a__b/c-d.e---f", "docker.io/a__b/c-d.e---f", "latest", None),
        (f"{ID}:tag", f"docker.io/library/{ID}", "tag", None),
        (f"library/{ID}", f"docker.io/library/{ID}", "latest", None),
    ],
)
def test_references_resolve_as_docker_resolves_them(text: str, name: str, tag: str | None, digest: str | None) -> None:
    reference = ImageReference.parse(text)
    assert (reference.name, reference.tag, reference.digest) == (name, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "Ubuntu",
        "ubuntu:",
        "ubuntu:.tag",
        "ubuntu:" + 129 * "t",
        "ubuntu@",
        "ubuntu@sha256:abc",
        f"ubuntu@{DIGEST}:tag",
        "ubuntu latest",
        "ubuntu\n",
        "a..b",
        "a_-b",
        "-a",
        "a-",
        "a___b",
        "../etc",
        "ghcr.io/../x",
        "-host.com/x",
        "host.com:port/x",
        "host.com:99999/x",
        "host.com:123456789/x",
        "http://host.com/x",
        ID,
        "a/" + 255 * "b",
        "ubuntu:tag:tag",
        "ünicode",
        "x:\u0661",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        ImageReference.parse(text)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_of_the_web_is_no_name(scheme: str) -> None:
    with pytest.raises(InvalidReference, match=f"a name has no {scheme}:// in front of the host"):
        ImageReference.parse(f"{scheme}://ghcr.io/me/app:1")


def test_the_message_says_that_names_are_lower_case() -> None:
    with pytest.raises(InvalidReference, match="names are lower case"):
        ImageReference.parse("ghcr.io/Org/name")


COMPONENT = st.from_regex(r"[a-z0-9]{1,5}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
PATH = st.lists(COMPONENT, min_size=1, max_size=4).map("/".join)
DOMAIN = st.one_of(
    st.just(DOCKER_HUB),
    st.from_regex(
        r"(?:[a-z0-9]|[a-z0-9][a-z0-9-]{0,5}[a-z0-9])(?:\.[a-z0-9]{1,4}){1,3}(?::[0-9]{1,4})?", fullmatch=True
    ),
    st.sampled_from(["localhost", "localhost:5000", "127.0.0.1:5000", "[fe80::1]", "[::1]:443", "UPPER", "host:1"]),
)
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@st.composite
def references(draw: st.DrawFn) -> ImageReference:
    domain = draw(DOMAIN)
    path = draw(PATH)
    if domain == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    digest = draw(st.none() | st.binary(max_size=4).map(Digest.of))
    tag = draw(TAG if digest is None else st.none() | TAG)
    return ImageReference(domain, path, tag, digest)


@given(references())
def test_a_reference_is_read_as_it_was_written(reference: ImageReference) -> None:
    assert ImageReference.parse(str(reference)) == reference


@given(references())
def test_the_familiar_form_means_the_same(reference: ImageReference) -> None:
    assert ImageReference.parse(reference.familiar) == reference
    assert len(reference.familiar) <= len(str(reference))


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = ImageReference.parse(text)
    except InvalidReference:
        return
    assert ImageReference.parse(str(reference)) == reference


@given(st.text(st.sampled_from("ab:/@.-_[]0\n %"), max_size=20))
def test_any_text_of_the_grammars_characters_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = ImageReference.parse(text)
    except InvalidReference:
        return
    assert ImageReference.parse(str(reference)) == reference


def test_a_long_text_is_refused_quickly() -> None:
    for text in (100_000 * "a", 50_000 * "a/", 100_000 * "-", 50_000 * "a.", "a" + 100_000 * "_", "a:" + 100_000 * "9"):
        with pytest.raises(InvalidReference):
            ImageReference.parse(text)


def test_what_to_ask_a_registry_for() -> None:
    assert ImageReference.parse("a/b").identifier == "latest"
    assert ImageReference.parse("a/b:c").identifier == "c"
    assert ImageReference.parse(f"a/b:c@{DIGEST}").identifier == DIGEST
    assert ImageReference.parse("a/b").api_host == "registry-1.docker.io"
    assert ImageReference.parse("ghcr.io/a/b").api_host == "ghcr.io"


def test_no_tag_is_made_up_when_none_is_wanted() -> None:
    assert ImageReference.parse("ubuntu", default_tag=None).tag is None


def test_another_registry_can_be_the_default() -> None:
    assert ImageReference.parse("team/app", default_domain="my.host").name == "my.host/team/app"
    assert ImageReference.parse("ghcr.io/team/app", default_domain="my.host").name == "ghcr.io/team/app"


def test_other_tags_and_digests_of_the_same_repository() -> None:
    reference = ImageReference.parse(f"a/b:c@{DIGEST}")
    assert reference.with_tag("d") == ImageReference.parse("a/b:d")
    assert reference.with_digest(DIGEST) == ImageReference.parse(f"a/b@{DIGEST}")
    with pytest.raises(InvalidReference):
        reference.with_tag("not a tag")


@given(st.text(max_size=140))
def test_tags_follow_the_distribution_specification(tag: str) -> None:
    assume(not tag.endswith("\n"))
    if re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", tag):
        assert check_tag(tag) == tag
    else:
        with pytest.raises(InvalidReference):
            check_tag(tag)


@pytest.mark.parametrize(
    "text",
    [
        "user:s3cret@host/name",
        "a/s3cret@host",
        "user:s3cret@host:5000/a/b:tag",
        "https://user:s3cret@host/a",
        "user:s3cret@host:5000",
        "user:s3cret@other@host",
    ],
)
def test_passwords_are_not_shown(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        ImageReference.parse(text)
    assert "s3cret" not in str(caught.value)


def test_a_malformed_digest_is_shown() -> None:
    with pytest.raises(InvalidReference, match="team/app@sha256:12"):
        ImageReference.parse("team/app@sha256:12")
