"""What conda's configuration says of packages is taken into account as conda does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.environment.solve.configured import check_allowed, configured_cutoff, pins
from conda_docker.environment.solve.rattler import solve
from conda_docker.errors import InvalidEnvironment, Unsolvable
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.environment.solving import solve_request

NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel where `app` needs `library`, of which there are two versions, of 2023 and 2024."""
    packages = [
        SyntheticPackage(name="app", depends=["library"]),
        SyntheticPackage(name="library", version="1.0", timestamp=1_680_000_000_000),
        SyntheticPackage(name="library", version="2.0", timestamp=1_720_000_000_000),
    ]
    synthetic_channel.add(*packages)
    for package in packages:
        synthetic_channel.patch(package, indexed_timestamp=None)
    return synthetic_channel


def chosen(channel: SyntheticChannel, *specs: str, **settings: Any) -> dict[str, str]:
    configuration = CondaConfiguration(**settings)
    environment: LockedEnvironment = solve(
        solve_request(*specs, channels=[channel.url], override_channels=True), configuration
    )
    return {package.name: package.version for package in environment.packages}


def test_pinned_packages_hold_for_what_others_bring_in(channel: SyntheticChannel) -> None:
    assert chosen(channel, "app", pinned_packages=("library 1.*",)) == {"app": "1.0", "library": "1.0"}


def test_pinned_packages_are_not_installed_for_that(channel: SyntheticChannel) -> None:
    assert chosen(channel, "library", pinned_packages=("app =1", "other >=2")) == {"library": "2.0"}


def test_a_pin_that_is_in_the_way_is_named(channel: SyntheticChannel) -> None:
    with pytest.raises(Unsolvable) as caught:
        chosen(channel, "library 2.*", pinned_packages=("library 1.*", "other 1.*"))
    assert str(caught.value).startswith("pinned_packages of the conda configuration: library 1.*\n")


def test_a_pin_that_is_no_spec_is_named() -> None:
    for spec in ("numpy >=1,", "numpy >", "*"):
        with pytest.raises(InvalidEnvironment, match=r"^pinned_packages of the conda configuration: not a valid"):
            pins(CondaConfiguration(pinned_packages=(spec,)))


@pytest.mark.parametrize(
    "spec",
    [
        "numpy",
        "NumPy >=1.20",
        "num*",
        "*[license=AGPL-3.0-only]",
        "team::numpy",
        "https://conda.example.org/team::numpy",
        "numpy[build=py*]",
    ],
)
def test_disallowed_packages(spec: str) -> None:
    package = package_from_record(
        {
            "name": "numpy",
            "version": "1.26",
            "build": "py_0",
            "build_number": 0,
            "license": "AGPL-3.0-only",
            "url": "https://conda.example.org/team/linux-64/numpy-1.26-py_0.conda",
        }
    )
    configuration = CondaConfiguration(disallowed_packages=(spec,), channel_alias="https://conda.example.org")
    with pytest.raises(Unsolvable, match=r"^disallowed_packages .* does not allow numpy-1\.26-py_0 \(by "):
        check_allowed([package], configuration)


def test_what_is_not_disallowed() -> None:
    package = package_from_record(
        {
            "name": "numpy",
            "version": "1.26",
            "build": "py_0",
            "build_number": 0,
            "url": "https://conda.example.org/team/linux-64/numpy-1.26-py_0.conda",
        }
    )
    others = ("numpy <1", "other", "*[license=AGPL-3.0-only]", "conda-forge::numpy", "numpy=1.26=cuda*")
    check_allowed([package], CondaConfiguration(disallowed_packages=others))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("1w 12h", NOW - timedelta(days=7, hours=12)),
        ("P7D", NOW - timedelta(days=7)),
        ("pt36h", NOW - timedelta(hours=36)),
        ("0", NOW),
        ("86400", NOW - timedelta(days=1)),
        ("2026-04-01", datetime(2026, 4, 2, tzinfo=UTC)),
        ("2026-04-01T12:00:00Z", datetime(2026, 4, 1, 12, tzinfo=UTC)),
        ("2026-04-01T12:00:00", datetime(2026, 4, 1, 12, tzinfo=UTC)),
    ],
)
def test_a_cutoff(text: str, moment: datetime) -> None:
    assert configured_cutoff(CondaConfiguration(exclude_newer=text), now=NOW) == moment


@pytest.mark.parametrize("text", ["soon", "-1d", "7 parsecs", "P", "99999999999999999999", "2026-13-01"])
def test_what_is_not_a_cutoff(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"^exclude_newer of the conda configuration is "):
        configured_cutoff(CondaConfiguration(exclude_newer=text))


def test_newer_packages_do_not_count(channel: SyntheticChannel) -> None:
    assert chosen(channel, "app", exclude_newer="2024-01-01") == {"app": "1.0", "library": "1.0"}
    with pytest.raises(Unsolvable, match=r"^exclude_newer of the conda configuration: nothing that was published"):
        chosen(channel, "library 2.*", exclude_newer="2024-01-01")


def test_exceptions_from_a_cutoff_are_passed_over_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    configured_cutoff(CondaConfiguration(exclude_newer="7d", exclude_newer_package={"openssl": "false"}))
    assert "exclude_newer_package of the conda configuration is passed over" in caplog.text


def test_packages_that_conda_adds_to_each_environment_are_not_added(
    channel: SyntheticChannel, caplog: pytest.LogCaptureFixture
) -> None:
    assert chosen(channel, "library", create_default_packages=("app", "library")) == {"library": "2.0"}
    assert "create_default_packages of the conda configuration is passed over: app is not asked for" in caplog.text
