"""What the names of images on demand ask for."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.serve.errors import ManifestUnknown, NoSuchName
from conda_docker.serve.names import Package, channel_alias, name_of, parse_name, parse_spec, parse_tag


@pytest.mark.parametrize(
    ("name", "specs"),
    [
        ("numpy", ["numpy"]),
        ("python-3.12/numpy", ["numpy", "python=3.12"]),
        ("abseil-cpp-20240116", ["abseil-cpp=20240116"]),
        ("openssl-1.1.1w", ["openssl=1.1.1w"]),
        ("numpy-2.1.0rc1", ["numpy=2.1.0rc1"]),
        ("a-1.0.post2", ["a=1.0.post2"]),
        ("libgcc-ng", ["libgcc-ng"]),
        ("xorg-libx11-1.8", ["xorg-libx11=1.8"]),
        ("python-3parclient", ["python-3parclient"]),
        ("typing_extensions/ruamel.yaml-0.18", ["ruamel.yaml=0.18", "typing_extensions"]),
        ("bioconda--samtools-1.21", ["bioconda::samtools=1.21"]),
    ],
)
def test_packages(name: str, specs: list[str]) -> None:
    assert [package.spec for package in parse_name(name).packages] == specs


def test_the_order_of_packages_changes_nothing() -> None:
    assert parse_name("numpy/python-3.12") == parse_name("python-3.12/numpy")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a//b",
        "A",
        "a b",
        "../etc/passwd",
        "a/../b",
        "-a",
        "a-",
        "a--b--c",
        "%2e%2e",
        "é",
        "a" * 256,
        "_x",
        ".",
    ],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(NoSuchName):
        parse_name(name)


def test_a_package_twice() -> None:
    with pytest.raises(NoSuchName, match="numpy twice"):
        parse_name("numpy-1/numpy-2")


def test_environments_and_lock_files() -> None:
    assert parse_name("env/analysis-2").environment == "analysis-2"
    assert parse_name("lock/" + "a" * 64).lock == "a" * 64
    for wrong in ("env", "env/a/b", "lock", "lock/abc", "lock/" + "A" * 64):
        with pytest.raises(NoSuchName):
            parse_name(wrong)


def test_tags_are_days() -> None:
    today = date(2026, 2, 1)
    assert parse_tag("latest") is None
    assert parse_tag("2026-01-31", today) == date(2026, 1, 31)
    for wrong in ("1.0", "2026-2-1", "20260201", "2026-W05-7", "", "latest "):
        with pytest.raises(ManifestUnknown):
            parse_tag(wrong, today)


@pytest.mark.parametrize("tag", ["2026-02-01", "2026-02-02"])
def test_a_day_that_is_not_over_means_nothing_yet(tag: str) -> None:
    with pytest.raises(ManifestUnknown, match="not over"):
        parse_tag(tag, date(2026, 2, 1))


def test_a_day_ends_at_midnight() -> None:
    until = parse_name("numpy", "2026-01-31").until
    assert until is not None
    assert until.isoformat() == "2026-01-31T23:59:59.999999+00:00"


def test_lock_files_have_no_day() -> None:
    with pytest.raises(ManifestUnknown, match="latest"):
        parse_name("lock/" + "a" * 64, "2026-01-31")


@pytest.mark.parametrize(
    ("spec", "component"),
    [
        ("numpy", "numpy"),
        ("numpy=2.1", "numpy-2.1"),
        ("numpy == 2.1", "numpy-2.1"),
        ("numpy=2.1.*", "numpy-2.1"),
        ("conda-forge::numpy=2", "conda-forge--numpy-2"),
    ],
)
def test_match_specs_that_names_can_hold(spec: str, component: str) -> None:
    assert parse_spec(spec).component == component


@pytest.mark.parametrize("spec", ["numpy>=2", "numpy[build=1]", "_openmp_mutex", "py-2", "a b", "", "file:///x::a"])
def test_match_specs_that_names_cannot_hold(spec: str) -> None:
    with pytest.raises(NoSuchName):
        parse_spec(spec)


_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}(?:[-_.][a-z][a-z0-9]{0,6}){0,2}", fullmatch=True)
_VERSIONS = st.none() | st.from_regex(r"[0-9]{1,4}(?:\.[0-9]{1,3}){0,3}", fullmatch=True)


@given(st.lists(st.tuples(_NAMES, _VERSIONS), min_size=1, max_size=5, unique_by=lambda pair: pair[0]))
def test_names_and_packages_say_the_same(pairs: list[tuple[str, str | None]]) -> None:
    packages = [Package(name, version) for name, version in pairs]
    if name_of(packages).split("/")[0] not in ("env", "lock"):
        assert sorted(parse_name(name_of(packages)).packages, key=lambda each: each.name) == sorted(
            packages, key=lambda each: each.name
        )


@pytest.mark.parametrize(
    ("channel", "alias"),
    [
        ("conda-forge", "conda-forge"),
        ("team/label/dev", "dev"),
        ("https://conda.example.org/Team/", "team"),
        ("https://conda.example.org", "conda.example.org"),
        ("https://conda.example.org:8443/", "conda.example.org"),
        ("file:///srv/channels/team", "team"),
        ("/srv/t/team", "team"),
        ("t/tk-123/team", "team"),
        ("me:secret@conda.example.org/t/tk-123", "conda.example.org"),
    ],
)
def test_what_a_channel_is_called(channel: str, alias: str) -> None:
    assert channel_alias(channel) == alias


@given(
    before=st.sampled_from(["https://", "http://", "HTTPS://", ""]),
    credentials=st.sampled_from(
        ["", "S3CRET@", "bob:S3CRET@", "S3CRET:S3CRET@", "bob:S3CRET/S3CRET@", "b:S3CRET@S3CRET@"]
    ),
    host=st.sampled_from(["127.0.0.1:6475", "conda.example.org", "[::1]:80", "localhost"]),
    token=st.sampled_from(["", "/t/S3CRET"]),
    path=st.sampled_from(["", "/", "//", "/team", "/team/", "/team/label/dev"]),
    query=st.sampled_from(["", "?S3CRET", "?token=S3CRET/S3CRET", "#S3CRET"]),
)
def test_what_a_channel_is_called_has_no_credentials(
    before: str, credentials: str, host: str, token: str, path: str, query: str
) -> None:
    alias = channel_alias(f"{before}{credentials}{host}{token}{path}{query}")
    assert "s3cret" not in alias
    assert not set(":@/") & set(alias) or alias.startswith("[")
