"""From what a user asks for to exact packages and a base image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from conda_docker.build_options import BuildOptions
from conda_docker.request import Request
from conda_docker.resolution.lock import lock
from conda_docker.resolution.resolve import resolve
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.resolution.asking import AMD64, write


def test_indexes_are_read_while_the_base_is(
    synthetic_channel: SyntheticChannel, serve: Callable[[Path], ChannelServer], base: str, home: Path, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="a", subdir="noarch"))
    server = serve(synthetic_channel.folder)
    request = Request(
        specs=["a"],
        channels=[server.url],
        override_channels=True,
        base=base,
        platforms=(Platform.parse("linux/arm64"),),
        options=BuildOptions(cache_dir=tmp_path / "cache"),
    )
    [resolved] = resolve(request, opened=lambda _: server.wait_for("repodata"))
    assert [package.name for package in resolved.environment.packages] == ["a"]


def test_each_platform_of_a_request(channel: SyntheticChannel) -> None:
    request = Request(
        specs="tool",
        base="scratch",
        channels=channel.url,
        override_channels=True,
        platforms=(AMD64, Platform("linux", "arm64")),
    )
    assert [found.environment.subdir for found in resolve(request)] == ["linux-64", "linux-aarch64"]


def test_environment_yml(channel: SyntheticChannel, tmp_path: Path) -> None:
    text = f"name: analysis\nchannels: ['{channel.url}']\ndependencies: [library]\nvariables: {{A: b}}\nextra: 1\n"
    found = lock(["tool"], file=write(tmp_path / "environment.yml", text), platform=AMD64)
    assert [package.name for package in found.packages] == ["library", "tool"]
    assert sorted(found.requested) == ["library", "tool"]
    assert (found.name, found.variables, found.channels) == ("analysis", {"A": "b"}, (channel.url,))
    assert "'extra' is not known" in found.warnings[0]


def test_an_explicit_list_is_the_environment_that_it_was_made_of(channel: SyntheticChannel, tmp_path: Path) -> None:
    solved = lock(["tool"], channels=[channel.url], platform=AMD64)
    lines = [f"{package.public_url}#sha256:{package.sha256}" for package in solved.packages]
    listed = lock(file=write(tmp_path / "list.txt", "\n".join(["@EXPLICIT", *lines])))
    for exact, known in zip(listed.packages, solved.packages, strict=True):
        assert (exact.stem, exact.url, exact.sha256, exact.channel) == (
            known.stem,
            known.url,
            known.sha256,
            known.channel,
        )


def test_a_pixi_workspace(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    """Environments of a solve group share versions, and none gets what only another one asks for."""
    synthetic_channel.add(
        SyntheticPackage(name="library", version="1"),
        SyntheticPackage(name="library", version="2"),
        SyntheticPackage(name="app", depends=["library"]),
        SyntheticPackage(name="tests", depends=["library <2"]),
    )
    manifest = f"""[workspace]
channels = ["{synthetic_channel.url}"]
platforms = ["linux-64"]
[dependencies]
app = "*"
[activation.env]
LEVEL = "1"
[environments]
default = {{ solve-group = "one" }}
test = {{ solve-group = "one", dependencies = {{ tests = "*" }} }}
free = []
"""
    file = write(tmp_path / "pixi.toml", manifest)
    found = {
        name: [package.stem for package in lock(file=file, environment=name, platform=AMD64).packages]
        for name in ("default", "test", "free")
    }
    assert found == {
        "default": ["library-1-0", "app-1.0-0"],
        "test": ["library-1-0", "tests-1.0-0", "app-1.0-0"],
        "free": ["library-2-0", "app-1.0-0"],
    }
    assert lock(file=file, platform=AMD64).requested == ("app",)
    assert lock(file=file, platform=AMD64).variables == {"LEVEL": "1"}
    added = lock(["tests"], file=file, environment="free", platform=AMD64)
    assert [package.name for package in added.packages] == ["library", "tests", "app"]
