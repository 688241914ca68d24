"""What users type becomes specs for the solver, with the channel that it names."""

from __future__ import annotations

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.solve.match_specs import read_specs
from conda_docker.errors import ChannelError, InvalidEnvironment, InvalidSpec


@pytest.mark.parametrize(
    ("spec", "urls"),
    [
        ("pkgs/main::zlib", ("https://repo.anaconda.com/pkgs/main",)),
        ("pkgs/r::zlib", ("https://repo.anaconda.com/pkgs/r",)),
        ("defaults::zlib", ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")),
        ("bioconda/linux-64::zlib", ("https://conda.anaconda.org/bioconda",)),
        ("zlib", ()),
    ],
)
def test_channels(spec: str, urls: tuple[str, ...]) -> None:
    [read] = read_specs([spec], CondaConfiguration())
    assert (read.name, read.channels) == ("zlib", urls)


def test_order_and_repetition() -> None:
    read = read_specs(["zlib", "b >= 1", "x::a", "b>=1"], CondaConfiguration())
    assert [spec.text for spec in read] == ["x::a", "b>=1", "zlib"]


def test_credentials_are_in_the_url_alone() -> None:
    [read] = read_specs(["https://me:s3cret@host/team::a"], CondaConfiguration())
    assert read.channels == ("https://me:s3cret@host/team",)
    assert "s3cret" not in read.text
    assert "s3cret" in read.typed


@pytest.mark.parametrize("spec", ["", "--file", "::a", "a::", "a\0", "numpy>=1,"])
def test_what_is_not_a_spec(spec: str) -> None:
    with pytest.raises(InvalidEnvironment, match="not a valid package spec"):
        read_specs([spec], CondaConfiguration())


@pytest.mark.parametrize(
    "spec", ["-e .", "-r requirements.txt", "--index-url=https://x", "git+https://me:s3cr3t@h/x", "a @ https://h/a.whl"]
)
def test_what_is_for_pip(spec: str) -> None:
    with pytest.raises(InvalidSpec, match="belongs under `- pip:`") as caught:
        read_specs([spec], CondaConfiguration())
    assert "s3cr3t" not in str(caught.value)


def test_a_path_that_is_too_long() -> None:
    with pytest.raises(InvalidEnvironment, match="there is no package at"):
        read_specs(["a" * 5000 + ".conda"], CondaConfiguration())


@pytest.mark.parametrize(
    "spec",
    [
        "a " + "(" * 5000 + ">=1" + ")" * 5000,
        "a >=1" + ",>=1" * 5000,
        "https://me:s3cr3t@h/" + "x" * 20_000,
    ],
)
def test_what_rattler_would_end_the_process_for_or_take_long_over(spec: str) -> None:
    with pytest.raises(InvalidSpec, match=r"it has (more than 10000 characters|too many brackets)") as caught:
        read_specs([spec], CondaConfiguration())
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(("spec", "meant"), [("requests[socks]", "requests"), ("c::a[x,y] >=1", "c::a >=1")])
def test_extras_of_pip(spec: str, meant: str) -> None:
    with pytest.raises(InvalidSpec, match="conda packages have no extras") as caught:
        read_specs([spec], CondaConfiguration())
    assert f"did you mean {meant!r}?" in str(caught.value)


def test_a_comment_is_no_part_of_a_spec() -> None:
    assert [spec.spec for spec in read_specs(["agpl # [linux]"], CondaConfiguration())] == ["agpl"]


@pytest.mark.parametrize("spec", ["\x1b[31mx]", "numpy>,[x"])
def test_no_spec_is_suggested_that_is_not_one(spec: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        read_specs([spec], CondaConfiguration())
    assert "did you mean" not in str(caught.value)


URL = "https://conda.example.org/c/linux-64/a-1.0-0.conda"


@pytest.mark.parametrize(
    ("fragment", "sha256", "md5"),
    [
        ("", None, None),
        (f"#{'A' * 64}", "a" * 64, None),
        (f"#sha256:{'b' * 64}", "b" * 64, None),
        (f"#{'c' * 32}", None, "c" * 32),
    ],
)
def test_the_hash_behind_the_url_of_a_package(fragment: str, sha256: str | None, md5: str | None) -> None:
    [read] = read_specs([URL + fragment], CondaConfiguration())
    assert (read.spec, read.is_archive, read.sha256, read.md5) == (URL, True, sha256, md5)


@pytest.mark.parametrize("fragment", ["#", "#zz", "#sha256=00", f"#{'a' * 40}"])
def test_what_is_not_a_hash_behind_the_url_of_a_package(fragment: str) -> None:
    with pytest.raises(InvalidSpec, match="neither an MD5 nor a SHA-256"):
        read_specs([URL + fragment], CondaConfiguration())


@pytest.mark.parametrize(
    ("spec", "urls", "rest", "subdir"),
    [
        ("a[channel=team]", ("https://conda.example.org/team",), "a", None),
        ("a >=1[channel='team']", ("https://conda.example.org/team",), "a >=1", None),
        ('a[version=">=1", channel="https://h.example.org/x"]', ("https://h.example.org/x",), 'a[version=">=1"]', None),
        ("a[channel=team/linux-64, build=0]", ("https://conda.example.org/team",), "a[build=0]", "linux-64"),
        ("x::a[channel=team]", ("https://conda.example.org/x",), "a[channel=team]", None),
    ],
)
def test_a_channel_in_brackets_is_one_to_take_the_package_from(
    spec: str, urls: tuple[str, ...], rest: str, subdir: str | None
) -> None:
    configuration = CondaConfiguration(channel_alias="https://conda.example.org")
    [read] = read_specs([spec], configuration)
    assert (read.channels, read.spec, read.subdir) == (urls, rest, subdir)


def test_a_package_by_its_url_in_a_channel_that_the_configuration_forbids() -> None:
    with pytest.raises(ChannelError, match=r"does not allow the channel https://conda\.example\.org/c "):
        read_specs([URL], CondaConfiguration(denylist_channels=(URL.rsplit("/", 2)[0],)))
    assert read_specs([URL], CondaConfiguration(denylist_channels=("other",)))
