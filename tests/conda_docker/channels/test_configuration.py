"""conda's and mamba's settings are found, merged and checked as these programs do it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.channels.configuration import CondaConfiguration, read_conda_configuration
from conda_docker.errors import InvalidEnvironment


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_nothing() -> None:
    assert read_conda_configuration() == CondaConfiguration()


def test_user_file(home: Path) -> None:
    write(
        home / ".condarc",
        """
        channels: [conda-forge, bioconda]
        channel_priority: strict
        channel_alias: https://mirror.example.org
        custom_channels: {team: https://conda.example.org}
        custom_multichannels: {all: [team, conda-forge]}
        default_channels: [https://mirror.example.org/main]
        ssl_verify: false
        proxy_servers: {https: http://proxy:3128}
        offline: true
        envs_dirs: [~/environments]
        changeps1: false
        conda_docker: {cache_from: [ghcr.io/org/layers], cache_to: ghcr.io/org/layers}
        """,
    )
    found = read_conda_configuration()
    assert found.channels == ("conda-forge", "bioconda")
    assert found.channel_priority == "strict"
    assert found.channel_alias == "https://mirror.example.org"
    assert found.custom_channels == {"team": "https://conda.example.org"}
    assert found.custom_multichannels == {"all": ("team", "conda-forge")}
    assert found.default_channels == ("https://mirror.example.org/main",)
    assert found.ssl_verify is False
    assert found.proxy_servers == {"https": "http://proxy:3128"}
    assert found.offline
    assert found.envs_dirs == (home / "environments",)
    assert found.cache_from == found.cache_to == ("ghcr.io/org/layers",)


def test_the_nearest_file_comes_first_in_lists_and_wins_elsewhere(home: Path, tmp_path: Path) -> None:
    write(home / ".config/conda/condarc", "channels: [far, both]\nchannel_priority: strict\nchannel_alias: https://far")
    write(home / ".condarc", "channels: [both, near]\nchannel_priority: disabled")
    found = read_conda_configuration()
    assert found.channels == ("both", "near", "far")
    assert found.channel_priority == "disabled"
    assert found.channel_alias == "https://far"


def test_settings_in_variables(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".condarc", "channels: [home]\nchannel_priority: strict")
    monkeypatch.setenv("CONDA_CHANNELS", "one, two")
    monkeypatch.setenv("CONDA_CHANNEL_PRIORITY", "flexible")
    monkeypatch.setenv("CONDA_OFFLINE", "yes")
    monkeypatch.setenv("CONDA_ENVS_DIRS", os.pathsep.join(["/a", "/b"]))
    found = read_conda_configuration()
    assert found.channels == ("one", "two", "home")
    assert found.channel_priority == "flexible"
    assert found.offline
    assert found.envs_dirs == (Path("/a"), Path("/b"))


def test_variables_in_files_are_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_TOKEN", "tk-1")
    write(home / ".condarc", "channels: ['https://host/t/${TEAM_TOKEN}/team', 'https://host/$UNKNOWN']")
    assert read_conda_configuration().channels == ("https://host/t/tk-1/team", "https://host/$UNKNOWN")


@pytest.mark.parametrize(("written", "meant"), [("true", "flexible"), ("false", "disabled"), ("Strict", "strict")])
def test_channel_priority(home: Path, written: str, meant: str) -> None:
    write(home / ".condarc", f"channel_priority: {written}")
    assert read_conda_configuration().channel_priority == meant


@pytest.mark.parametrize(
    ("written", "meant"), [("true", True), ("no", False), ("/ca.pem", "/ca.pem"), ("truststore", "truststore")]
)
def test_ssl_verify(home: Path, written: str, meant: object) -> None:
    write(home / ".condarc", f"ssl_verify: {written}")
    assert read_conda_configuration().ssl_verify == meant


def test_the_bundle_of_authorities_that_conda_would_use(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/ca.pem")
    assert read_conda_configuration().ssl_verify == "/ca.pem"
    write(home / ".condarc", "ssl_verify: false")
    assert read_conda_configuration().ssl_verify is False


@pytest.mark.parametrize(
    "text",
    [
        "channels: {a: b}",
        "channels: [[a]]",
        "custom_channels: [a]",
        "channel_alias: [a]",
        "- channels",
        "channels: [",
        "channel_priority: often",
    ],
)
def test_a_file_that_cannot_be_read(home: Path, text: str) -> None:
    write(home / ".condarc", text)
    with pytest.raises(InvalidEnvironment):
        read_conda_configuration()


@pytest.mark.parametrize("text", ["", "# nothing", "changeps1: false", "channels:"])
def test_files_that_say_nothing_of_channels(home: Path, text: str) -> None:
    write(home / ".condarc", text)
    assert read_conda_configuration().channels == ()


def test_a_setting_of_ours_that_is_misspelt(home: Path) -> None:
    (home / ".condarc").write_text("conda_docker: {cache_form: [ghcr.io/org/layers]}")
    with pytest.raises(InvalidEnvironment, match="has no setting 'cache_form'; there are cache_from and cache_to"):
        read_conda_configuration()


def test_ssl_verify_below_the_home(home: Path) -> None:
    (home / ".condarc").write_text("ssl_verify: ~/authority.pem\n")
    assert read_conda_configuration().ssl_verify == str(home / "authority.pem")


def test_which_packages_are_chosen(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        home / ".condarc",
        """
        pinned_packages: [python 3.11.*, 'numpy >=1.20,<2']
        create_default_packages: [ipython]
        disallow: mkl
        cooldown: 2026-04-01
        cooldown_exclude: {openssl: false, numpy: 30d}
        """,
    )
    monkeypatch.setenv("CONDA_PINNED_PACKAGES", "r-base >=4,<5&libblas=*=*openblas")
    monkeypatch.setenv("CONDA_DISALLOWED_PACKAGES", "*gpl*")
    found = read_conda_configuration()
    assert found.pinned_packages == ("r-base >=4,<5", "libblas=*=*openblas", "python 3.11.*", "numpy >=1.20,<2")
    assert found.disallowed_packages == ("*gpl*", "mkl")
    assert found.create_default_packages == ("ipython",)
    assert found.exclude_newer == "2026-04-01"
    assert found.exclude_newer_package == {"openssl": "false", "numpy": "30d"}
