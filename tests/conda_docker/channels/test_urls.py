"""Names of channels become URLs as conda's configuration has it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.channels.urls import channel_urls, choose_channels
from conda_docker.errors import ChannelError

CONFIGURED = CondaConfiguration(channels=("configured",))


@pytest.mark.parametrize(
    ("named", "override", "chosen"),
    [
        ([], False, ("configured",)),
        (["mine"], False, ("mine", "configured")),
        (["mine"], True, ("mine",)),
        (["mine", "nodefaults"], False, ("mine",)),
        (["nodefaults"], False, ("conda-forge",)),
        ([], True, ("conda-forge",)),
        (["configured", "mine"], False, ("configured", "mine")),
    ],
)
def test_choice(named: list[str], override: bool, chosen: tuple[str, ...]) -> None:
    assert choose_channels(named, CONFIGURED, override=override) == chosen


def test_conda_forge_is_added_to_no_choice() -> None:
    assert choose_channels(["mine"], CondaConfiguration()) == ("mine",)
    assert choose_channels([], CondaConfiguration()) == ("conda-forge",)
    assert choose_channels([], CondaConfiguration(), fallback=["of-pixi"]) == ("of-pixi",)


def urls(*names: str, **settings: object) -> tuple[str, ...]:
    return channel_urls(names, CondaConfiguration(**settings))  # type: ignore[arg-type]


def test_name() -> None:
    assert urls("conda-forge", "conda-forge/label/dev", "conda-forge/linux-64") == (
        "https://conda.anaconda.org/conda-forge",
        "https://conda.anaconda.org/conda-forge/label/dev",
    )


def test_alias() -> None:
    assert urls("team", channel_alias="https://mirror.example.org/conda/") == ("https://mirror.example.org/conda/team",)


def test_defaults() -> None:
    assert urls("defaults") == ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
    assert urls("defaults", default_channels=("main", "https://host/other")) == (
        "https://conda.anaconda.org/main",
        "https://host/other",
    )


def test_custom_channel_and_what_lies_in_it() -> None:
    custom = {"team": "https://conda.example.org/all"}
    assert urls("team", "team/label/dev", "teams", custom_channels=custom) == (
        "https://conda.example.org/all/team",
        "https://conda.example.org/all/team/label/dev",
        "https://conda.anaconda.org/teams",
    )


def test_multichannel() -> None:
    assert urls("all", custom_multichannels={"all": ("a", "https://host/b")}) == (
        "https://conda.anaconda.org/a",
        "https://host/b",
    )


def test_members_of_multichannels_are_channels_of_their_own() -> None:
    assert urls("pkgs/main", "pkgs/r/linux-64", "pkgs/pro") == (
        "https://repo.anaconda.com/pkgs/main",
        "https://repo.anaconda.com/pkgs/r",
        "https://repo.anaconda.com/pkgs/pro",
    )
    mirrored = {"default_channels": ("https://me:pw@mirror.example.org/pkgs/main", "https://host/t/tk-1/team/dev")}
    assert urls("pkgs/main", "team/dev", "pkgs/r", **mirrored) == (
        "https://me:pw@mirror.example.org/pkgs/main",
        "https://host/t/tk-1/team/dev",
        "https://conda.anaconda.org/pkgs/r",
    )
    custom = {"custom_multichannels": {"all": ("https://host/a/b",)}, "custom_channels": {"a/b": "https://other"}}
    assert urls("a/b", **custom) == ("https://other/a/b",)


def test_members_of_multichannels_below_the_alias() -> None:
    alias = {"channel_alias": "https://host/conda", "default_channels": ("https://host/conda/main",)}
    assert urls("main", "main/label/dev", **alias) == ("https://host/conda/main", "https://host/conda/main/label/dev")


def test_url_without_its_subdir() -> None:
    assert urls("https://host/team/", "https://host/team/noarch", "https://host/team/linux-aarch64/") == (
        "https://host/team",
    )


def test_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my channel/noarch").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    expected = (tmp_path / "my channel").as_uri()
    assert urls(str(tmp_path / "my channel"), "./my channel", "./my channel/noarch") == (expected,)


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="there is no folder"):
        urls(str(tmp_path / "missing"))


@pytest.mark.parametrize("name", ["", "  ", "<unknown>", "a\nb", "a/" * 50_000, "https://h/" + "a" * 70_000])
def test_what_is_no_channel(name: str) -> None:
    with pytest.raises(ChannelError, match="is not a channel"):
        urls(name)


def test_local_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChannelError, match="conda-build's output folder"):
        urls("local")
    monkeypatch.setenv("CONDA_BLD_PATH", str(tmp_path))
    assert urls("local") == (tmp_path.as_uri(),)


def test_channels_that_the_configuration_forbids() -> None:
    with pytest.raises(ChannelError, match=r"does not allow the channel https://conda\.anaconda\.org/bad"):
        urls("good", "bad", denylist_channels=("bad",))
    with pytest.raises(ChannelError, match="does not allow"):
        urls("good", "other", allowlist_channels=("good",))
    assert urls("good", allowlist_channels=("good",))


@pytest.fixture
def anaconda_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store a token as `anaconda login` does."""
    monkeypatch.setenv("BINSTAR_CONFIG_DIR", str(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / f"{quote_plus('https://api.anaconda.org')}.token").write_text("tk-1\n")


@pytest.mark.usefixtures("anaconda_login")
def test_a_stored_token_goes_to_its_server_alone() -> None:
    assert urls("team", "https://conda.anaconda.org.example.net/team", "http://conda.anaconda.org/team") == (
        "https://conda.anaconda.org/t/tk-1/team",
        "https://conda.anaconda.org.example.net/team",
        "http://conda.anaconda.org/team",
    )


@pytest.mark.usefixtures("anaconda_login")
def test_a_token_of_ones_own_wins_over_the_stored_one() -> None:
    given = ("https://conda.anaconda.org/t/mine/team", "https://me:pw@conda.anaconda.org/team")
    assert urls(*given) == given
    assert urls("team", add_anaconda_token=False) == ("https://conda.anaconda.org/team",)


@pytest.mark.parametrize("name", ["https://[host/c", "https://me:s3cret@[host/c"])
def test_what_is_no_url(name: str) -> None:
    with pytest.raises(ChannelError, match="is not a URL") as caught:
        urls(name)
    assert "s3cret" not in str(caught.value)


def test_the_folder_of_somebody_unknown() -> None:
    with pytest.raises(ChannelError, match="there is no folder"):
        urls("~nobody-of-this-name/channel")


def test_a_token_where_nothing_says_that_it_is_one_is_kept_out_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_TOKEN", "s3cret-1")
    with pytest.raises(ChannelError, match=r"https://host/\$TEAM_TOKEN/team holds a token where images") as caught:
        urls("https://host/s3cret-1/team")
    assert "s3cret-1" not in str(caught.value)
    assert urls("https://host/t/s3cret-1/team", "https://me:s3cret-1@host/team", "https://host/team")


def test_variables_that_are_no_secrets_may_be_in_the_urls_of_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_CHANNEL", "analysis")
    monkeypatch.setenv("TOKEN", "forge")
    assert urls("https://host/analysis", "https://host/forge")
