"""rattler solves for the image, with channels as conda's configuration has them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.normal_spec import normal_spec
from conda_docker.environment.solve.rattler import solve
from conda_docker.environment.virtual_packages import virtual_packages
from conda_docker.errors import ChannelError, InvalidEnvironment, Unsolvable, UnsupportedInput
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.environment.solving import solve_request


def package(name: str, version: str = "1.0", **fields: Any) -> SyntheticPackage:
    return SyntheticPackage(name=name, version=version, **fields)


def lock(*specs: str, channels: list[str], **options: Any) -> LockedEnvironment:
    configuration = options.pop("configuration", None)
    return solve(solve_request(*specs, **{"channels": channels, "override_channels": True, **options}), configuration)


def versions(environment: LockedEnvironment) -> dict[str, str]:
    return {package.name: package.version for package in environment.packages}


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel where `app` needs `library`, of which there are two versions."""
    synthetic_channel.add(
        package("app", depends=["library", "pure"]),
        package("library", "1.0"),
        package("library", "2.0"),
        package("pure", noarch="python", timestamp=1_700_000_000_000),
        package("app", subdir="linux-aarch64"),
        package("needs-cuda", depends=["__cuda >=12"]),
        package("needs-glibc", depends=["__glibc >=2.30,<3.0.a0"]),
    )
    return synthetic_channel


@pytest.fixture
def two_channels(tmp_path: Path) -> tuple[SyntheticChannel, SyntheticChannel]:
    """Return two channels, of which the second has the newer `library`, and `extra`, which needs that."""
    near, far = SyntheticChannel(tmp_path / "near"), SyntheticChannel(tmp_path / "far")
    near.add(package("library", "1.0"))
    far.add(package("library", "2.0"), package("extra", depends=["library >=2"]))
    return near, far


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_package_that_is_named_by_its_url_must_have_the_hash_behind_it(
    channel: SyntheticChannel, algorithm: str
) -> None:
    # No index says the hash of such a package: the archive itself is held against it when it is fetched.
    path = channel.path(package("pure", noarch="python"))
    digest = hashlib.new(algorithm, path.read_bytes()).hexdigest()
    [found] = lock(f"{path.as_uri()}#{digest}", channels=[channel.url]).packages
    assert (getattr(found, algorithm), found.complete) == (digest, False)
    [unknown] = lock(str(path), channels=[channel.url]).packages
    assert (unknown.sha256, unknown.complete) == (None, False)


def test_packages_and_their_needs_in_order(channel: SyntheticChannel) -> None:
    found = lock("app", channels=[channel.url])
    assert [package.name for package in found.packages] == ["pure", "library", "app"]
    assert versions(found)["library"] == "2.0"
    assert (found.subdir, found.requested, found.channels) == ("linux-64", ("app",), (channel.url,))


def test_every_field_of_the_record(channel: SyntheticChannel) -> None:
    pure = lock("pure", channels=[channel.url]).packages[0]
    record = channel.record(package("pure", noarch="python"))
    assert (pure.sha256, pure.md5, pure.size) == (record["sha256"], record["md5"], record["size"])
    assert (pure.subdir, pure.noarch, pure.timestamp) == ("noarch", "python", 1_700_000_000_000)
    assert pure.source == channel.folder / "noarch" / "pure-1.0-0.conda"
    assert pure.channel == f"{channel.url}/"
    assert pure.complete
    assert {**record, "fn": pure.file_name, "url": pure.url, "channel": pure.channel} == pure.record


@pytest.mark.parametrize("spec", ["library 1.0", "library=1", "library<2", "library ==1.0", "library[version='1.0']"])
def test_pins(channel: SyntheticChannel, spec: str) -> None:
    assert versions(lock(spec, channels=[channel.url])) == {"library": "1.0"}


def test_constraints_hold_for_what_others_bring_in(channel: SyntheticChannel) -> None:
    found = lock("app", channels=[channel.url], constraints=("library <2", "needs-cuda ==7"))
    assert versions(found) == {"app": "1.0", "library": "1.0", "pure": "1.0"}
    assert found.requested == ("app",)


@pytest.mark.parametrize("strategy", ["lowest", "lowest-direct"])
def test_the_lowest_versions(channel: SyntheticChannel, strategy: str) -> None:
    assert versions(lock("library", channels=[channel.url], strategy=strategy)) == {"library": "1.0"}


def test_packages_that_are_too_new(channel: SyntheticChannel) -> None:
    """What counts is when a package came into the channel."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert versions(lock("library", channels=[channel.url], exclude_newer=tomorrow)) == {"library": "2.0"}
    with pytest.raises(Unsolvable, match="excluded by exclude-newer: it is newer than 2024-12-31"):
        lock("library", channels=[channel.url], exclude_newer=datetime(2025, 1, 1, tzinfo=UTC))


def test_a_search_that_takes_too_long(channel: SyntheticChannel) -> None:
    with pytest.raises(Unsolvable, match="longer than is allowed"):
        lock("app", channels=[channel.url], seconds=1e-6)


def test_another_platform(channel: SyntheticChannel) -> None:
    [app] = lock("app", channels=[channel.url], subdir="linux-aarch64").packages
    assert app.subdir == "linux-aarch64"


def test_the_first_channel_wins_over_a_newer_version(
    two_channels: tuple[SyntheticChannel, SyntheticChannel],
) -> None:
    near, far = two_channels
    assert versions(lock("library", channels=[near.url, far.url])) == {"library": "1.0"}
    assert versions(lock("library", channels=[far.url, near.url])) == {"library": "2.0"}


def test_priorities(two_channels: tuple[SyntheticChannel, SyntheticChannel]) -> None:
    channels = [channel.url for channel in two_channels]
    with pytest.raises(Unsolvable, match="strict channel priority"):
        lock("extra", channels=channels, channel_priority="strict")
    assert versions(lock("extra", channels=channels, channel_priority="flexible"))["library"] == "2.0"
    assert versions(lock("library", channels=channels, channel_priority="disabled")) == {"library": "2.0"}


def test_the_priority_of_the_configuration(two_channels: tuple[SyntheticChannel, SyntheticChannel]) -> None:
    channels = [channel.url for channel in two_channels]
    assert lock("extra", channels=channels, configuration=CondaConfiguration())
    with pytest.raises(Unsolvable):
        lock("extra", channels=channels, configuration=CondaConfiguration(channel_priority="strict"))


def test_the_channels_of_the_configuration_come_last(
    two_channels: tuple[SyntheticChannel, SyntheticChannel],
) -> None:
    near, far = two_channels
    configuration = CondaConfiguration(channels=(far.url,))
    found = solve(solve_request("library", channels=[near.url]), configuration)
    assert found.channels == (near.url, far.url)
    assert versions(found) == {"library": "1.0"}


def test_the_channels_that_pixi_is_configured_with(channel: SyntheticChannel, home: Path) -> None:
    (home / ".pixi").mkdir()
    (home / ".pixi/config.toml").write_text(f'default-channels = ["{channel.url}"]\nshell.change-ps1 = false\n')
    assert versions(solve(solve_request("library"))) == {"library": "2.0"}


@pytest.mark.parametrize("form", ["{url}::library", "{path}::library", "{url}/linux-64::library", "far::library >=1"])
def test_a_spec_that_names_its_channel(two_channels: tuple[SyntheticChannel, SyntheticChannel], form: str) -> None:
    near, far = two_channels
    spec = form.format(url=far.url, path=far.folder)
    configuration = CondaConfiguration(custom_channels={"far": far.folder.parent.as_uri()})
    found = lock(spec, channels=[near.url], configuration=configuration)
    assert versions(found) == {"library": "2.0"}
    assert found.requested == (normal_spec(spec),)
    assert found.channels == (near.url, far.url)


def test_a_spec_that_names_a_multichannel(two_channels: tuple[SyntheticChannel, SyntheticChannel]) -> None:
    near, far = two_channels
    configuration = CondaConfiguration(custom_multichannels={"all": (near.url, far.url)})
    found = lock("all::extra", channels=[near.url], configuration=configuration)
    assert versions(found) == {"library": "2.0", "extra": "1.0"}


def test_a_package_by_its_path(channel: SyntheticChannel) -> None:
    path = channel.path(package("library", "1.0"))
    [library] = lock(str(path), channels=[channel.url]).packages
    assert (library.version, library.source) == ("1.0", path)


def test_no_cuda_unless_it_is_asked_for(channel: SyntheticChannel) -> None:
    with pytest.raises(Unsolvable, match=r"--virtual-package __cuda=VERSION"):
        lock("needs-cuda", channels=[channel.url])
    virtual = virtual_packages("linux-64", overrides=["__cuda=12.4"])
    assert versions(lock("needs-cuda", channels=[channel.url], virtual_packages=virtual)) == {"needs-cuda": "1.0"}


def test_builds_for_gpus_that_were_passed_over_are_named(channel: SyntheticChannel) -> None:
    channel.add(
        package("torch", "2.5", build="cpu_0", build_number=0),
        package("torch", "2.5", build="cuda_0", build_number=0, depends=["__cuda >=12"]),
        package("jax", "1.0"),
        package("jax", "0.9", build="cuda_0", depends=["__cuda"]),
    )
    [warning] = lock("torch", "jax", "app", channels=[channel.url]).warnings
    assert warning.startswith("torch has builds for CUDA that were passed over")
    assumed = virtual_packages("linux-64", overrides=["__cuda=12.4"])
    found = lock("torch", channels=[channel.url], virtual_packages=assumed)
    assert found.warnings == ()


def test_builds_for_gpus_of_what_others_bring_in_are_named_too(channel: SyntheticChannel) -> None:
    channel.add(
        package("torch", "2.5", build="cpu_generic_0"),
        package("torch", "2.5", build="cuda_0", depends=["__cuda >=12"]),
        package("vision", "1.0", depends=["torch"]),
    )
    [warning] = lock("vision", channels=[channel.url]).warnings
    assert warning.startswith("torch has builds for CUDA that were passed over")
    assert lock("vision", channels=[channel.url], removed=frozenset({"__cuda"})).warnings == ()
    assert lock("vision", "torch=*=cpu*", channels=[channel.url]).warnings == ()


def test_the_glibc_of_the_base_image(channel: SyntheticChannel) -> None:
    with pytest.raises(Unsolvable, match="__glibc"):
        lock("needs-glibc", channels=[channel.url], virtual_packages=virtual_packages("linux-64", glibc="2.17"))
    assert lock("needs-glibc", channels=[channel.url], virtual_packages=virtual_packages("linux-64", glibc="2.36"))


def test_the_solver_explains_itself(channel: SyntheticChannel) -> None:
    with pytest.raises(Unsolvable) as caught:
        lock("app", "library 1.0", "library 2.0", channels=[channel.url])
    assert "no packages for linux-64 satisfy the request" in str(caught.value)
    assert "library ==1.0" in str(caught.value)
    assert f"channels searched: {channel.url}" in str(caught.value)


def test_an_unknown_package(channel: SyntheticChannel) -> None:
    with pytest.raises(Unsolvable, match="No candidates were found for nummpy"):
        lock("nummpy", channels=[channel.url])


@pytest.mark.parametrize(
    "spec", ["", " ", "=>1", "numpy >", "a b c d[", "-e .", "::x", "a::", "*", "num py::a::b[", "a\nb"]
)
def test_what_is_no_spec(channel: SyntheticChannel, spec: str) -> None:
    with pytest.raises(InvalidEnvironment, match="not a valid package spec"):
        lock(spec, channels=[channel.url])


def test_what_was_meant_by_what_is_no_spec(channel: SyntheticChannel) -> None:
    with pytest.raises(InvalidEnvironment, match=r"\(unable to parse.*\); did you mean 'library >=1,<2'\?"):
        lock("library ^1", channels=[channel.url])
    with pytest.raises(InvalidEnvironment, match=r"package name.*\)$"):
        lock("app,library", channels=[channel.url])


def test_a_path_where_no_package_is(channel: SyntheticChannel) -> None:
    with pytest.raises(InvalidEnvironment, match="there is no package at"):
        lock("./missing-1-0.conda", channels=[channel.url])


def test_nothing_asked_for(channel: SyntheticChannel) -> None:
    with pytest.raises(InvalidEnvironment, match="no packages were asked for"):
        lock(channels=[channel.url])


def test_other_systems_are_refused(channel: SyntheticChannel) -> None:
    with pytest.raises(UnsupportedInput, match="osx-arm64"):
        lock("app", channels=[channel.url], subdir="osx-arm64")


def test_a_folder_that_is_no_channel(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ChannelError, match=r"there is no channel at file:.*must hold noarch/repodata.json"):
        lock("a", channels=[str(tmp_path / "empty")])


def test_a_channel_whose_index_is_damaged(channel: SyntheticChannel) -> None:
    (channel.folder / "noarch" / "repodata.json").write_text('{"info": {}, "packages": ')
    with pytest.raises(ChannelError, match="index of a channel is damaged"):
        lock("app", channels=[channel.url])


def test_a_configuration_of_pixi_that_cannot_be_read(channel: SyntheticChannel, home: Path) -> None:
    (home / ".pixi").mkdir()
    (home / ".pixi/config.toml").write_text("default-channels = 1\n")
    with pytest.raises(InvalidEnvironment, match="configuration of rattler or pixi"):
        lock("app", channels=[channel.url])
