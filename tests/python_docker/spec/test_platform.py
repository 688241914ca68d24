"""Platforms: how they are written, and which images are for them."""

from __future__ import annotations

import platform as host

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidPlatform
from python_docker.spec.platform import Platform


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("amd64", Platform("linux", "amd64")),
        ("x86_64", Platform("linux", "amd64")),
        ("linux/aarch64", Platform("linux", "arm64")),
        ("Linux/ARM64", Platform("linux", "arm64")),
        ("arm64/v8", Platform("linux", "arm64", "v8")),
        ("arm/v7", Platform("linux", "arm", "v7")),
        ("linux/armhf", Platform("linux", "arm", "v7")),
        ("armel", Platform("linux", "arm", "v6")),
        ("linux/armv7", Platform("linux", "arm", "v7")),
        ("linux/arm/7", Platform("linux", "arm", "v7")),
        ("linux/arm64/8", Platform("linux", "arm64", "v8")),
        ("arm32v6", Platform("linux", "arm", "v6")),
        ("linux/ppc64el", Platform("linux", "ppc64le")),
        ("linux/loongarch64", Platform("linux", "loong64")),
        ("linux", Platform.host()),
        ("windows/amd64", Platform("windows", "amd64")),
        ("macos/arm64", Platform("darwin", "arm64")),
        ("linux/amd64/v3", Platform("linux", "amd64", "v3")),
        (" linux/ppc64le ", Platform("linux", "ppc64le")),
        ("i686", Platform("linux", "386")),
    ],
)
def test_platforms_are_read_as_people_write_them(text: str, platform: Platform) -> None:
    assert Platform.parse(text) == platform


@pytest.mark.parametrize("text", ["", "/", "linux/", "a/b/c/d", "linux amd64", "linux/amd64/", "lin\nux/amd64"])
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(InvalidPlatform, match="not a platform"):
        Platform.parse(text)


WORD = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)


@given(
    st.sampled_from(["linux", "windows", "darwin", "freebsd", "plan9"]),
    st.sampled_from(["amd64", "arm64", "arm", "386", "ppc64le", "s390x", "riscv64", "loong64"]),
    st.none() | WORD.filter(lambda word: not word.isdecimal()),
)
def test_a_platform_is_read_as_it_was_written(os: str, architecture: str, variant: str | None) -> None:
    platform = Platform(os, architecture, variant)
    assert Platform.parse(str(platform)) == platform


@given(st.text(max_size=20))
def test_any_text_is_a_platform_or_refused(text: str) -> None:
    try:
        platform = Platform.parse(text)
    except InvalidPlatform:
        return
    assert Platform.parse(str(platform)) == platform


@pytest.mark.parametrize(
    ("wanted", "offered", "matches"),
    [
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64/v9", "linux/arm64", False),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/arm", "linux/arm/v6", False),
        ("linux/amd64", "linux/amd64/v1", True),
        ("linux/amd64", "linux/amd64/v3", False),
        ("linux/amd64", "windows/amd64", False),
        ("linux/amd64", "linux/386", False),
        ("linux/riscv64", "linux/riscv64", True),
    ],
)
def test_the_variant_counts_where_it_is_not_the_usual_one(wanted: str, offered: str, matches: bool) -> None:
    assert Platform.parse(wanted).matches(Platform.parse(offered)) is matches


@pytest.mark.parametrize(
    ("machine", "architecture"), [("x86_64", "amd64"), ("AMD64", "amd64"), ("arm64", "arm64"), ("aarch64", "arm64")]
)
def test_the_host_is_linux_on_its_processor(monkeypatch: pytest.MonkeyPatch, machine: str, architecture: str) -> None:
    monkeypatch.setattr(host, "machine", lambda: machine)
    assert Platform.host() == Platform("linux", architecture)
