"""Mirrors: what a channel's URLs name comes from elsewhere, and is the same package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.channels.mirrors import Mirrors, mirrored_urls
from conda_docker.channels.rattler_client import mirrors_of
from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import DownloadError
from conda_docker.layers.recipe import Recipe
from conda_docker.package.fetch.fetch import fetch_packages
from conda_docker.resolution.lock import lock
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import Answer, ChannelServer

ORIGINAL = "http://conda.invalid/team"
NUMPY = SyntheticPackage(name="numpy", files={"lib/numpy.so": b"numpy"})
QUICK = RegistryOptions(attempts=1, backoff=0.001, max_wait=5, environ={})
Serve = Callable[[Path], ChannelServer]


@pytest.fixture
def mirror(synthetic_channel: SyntheticChannel, serve: Serve) -> ChannelServer:
    synthetic_channel.add(NUMPY)
    return serve(synthetic_channel.folder)


def write_condarc(home: Path, *places: str) -> None:
    listed = ", ".join(places)
    (home / ".condarc").write_text(f"channel_alias: http://conda.invalid\nmirrored_channels: {{team: [{listed}]}}\n")


def write_pixi(home: Path, *places: str) -> None:
    path = home / ".config/pixi/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[mirrors]\n"{ORIGINAL}" = {[*places]!r}\n')


def fetch(record: LockedPackage, cache: Path) -> Path:
    [(_, path)] = fetch_packages([record], cache, options=QUICK)
    return path


def test_the_longest_beginning_counts_as_a_whole_folder() -> None:
    mirrors = Mirrors({"https://a.example": ["https://b.example/all"], "https://a.example/c/": ["https://d.example/"]})
    assert mirrors.places("https://a.example/c/noarch/x.conda") == ["https://d.example/noarch/x.conda"]
    assert mirrors.places("https://a.example/cd/noarch/x.conda") == ["https://b.example/all/cd/noarch/x.conda"]
    assert mirrors.places("https://other.example/x.conda") == ["https://other.example/x.conda"]


def test_those_that_failed_least_come_first() -> None:
    mirrors = Mirrors({"https://a.example": ["https://b.example", "https://c.example"]})
    mirrors.failed("https://b.example/x")
    assert mirrors.places("https://a.example/x") == ["https://c.example/x", "https://b.example/x"]
    mirrors.failed("https://c.example/x")
    mirrors.failed("https://c.example/x")
    assert mirrors.places("https://a.example/x") == ["https://b.example/x", "https://c.example/x"]


@pytest.mark.parametrize("write", [write_condarc, write_pixi])
def test_index_and_packages_come_from_a_mirror_and_keep_their_own_url(
    write: Callable[..., None], home: Path, mirror: ChannelServer, tmp_path: Path
) -> None:
    write(home, mirror.url)
    environment = lock(["numpy"], channels=[ORIGINAL], override_channels=True, platform=Platform())
    [package] = environment.packages
    assert package.url.startswith(f"{ORIGINAL}/")
    assert fetch(package, tmp_path / "cache").is_file()
    assert mirror.requests[-1][1].endswith(package.file_name)


def test_layers_are_the_same_from_every_mirror(home: Path, synthetic_channel: SyntheticChannel, serve: Serve) -> None:
    synthetic_channel.add(NUMPY)
    keys = set()
    for _ in range(2):
        write_condarc(home, serve(synthetic_channel.folder).url)
        environment = lock(["numpy"], channels=["team"], override_channels=True, platform=Platform())
        keys.add(Recipe("/opt/conda").key(environment.packages))
    assert len(keys) == 1


def test_another_mirror_is_asked_for_what_one_does_not_have(
    home: Path, mirror: ChannelServer, serve: Serve, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    empty = serve(tmp_path / "empty")
    write_condarc(home, empty.url, mirror.url)
    record = synthetic_channel.locked(NUMPY, url=ORIGINAL)
    assert fetch(record, tmp_path / "cache").read_bytes() == synthetic_channel.path(NUMPY).read_bytes()
    assert empty.requests


def test_another_mirror_is_asked_where_one_has_another_package(
    home: Path, mirror: ChannelServer, serve: Serve, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    record = synthetic_channel.locked(NUMPY, url=ORIGINAL)
    wrong = tmp_path / "wrong" / record.subdir / record.file_name
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(bytes(record.size or 0))
    write_condarc(home, serve(tmp_path / "wrong").url, mirror.url)
    assert fetch(record, tmp_path / "cache").read_bytes() == synthetic_channel.path(NUMPY).read_bytes()


def test_the_error_names_the_mirror_that_was_asked_last(
    home: Path, mirror: ChannelServer, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    write_condarc(home, "http://localhost:1", mirror.url)
    mirror.answers[".conda"] = Answer(503)
    with pytest.raises(DownloadError, match=f"cannot download {mirror.url}/.*503"):
        fetch(synthetic_channel.locked(NUMPY, url=ORIGINAL), tmp_path / "cache")


def test_rattler_is_not_asked_where_nothing_is_configured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conda_docker.channels.rattler_client.rattler_configuration", None)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert mirrors_of(CondaConfiguration()).places("https://a.example/x") == ["https://a.example/x"]


def test_only_names_that_stand_for_one_channel_have_mirrors() -> None:
    configuration = CondaConfiguration(
        mirrored_channels={"team": ("https://b.example/team",), "defaults": ("https://b.example/main",), "": ("x",)}
    )
    assert mirrored_urls(configuration) == {"https://conda.anaconda.org/team": ["https://b.example/team"]}
