"""Of the platforms that a file describes, the wanted one is taken, else this machine's, else the only Linux."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.platform_choice import choose_subdir, least_demanding
from conda_docker.environment.subdirs import host_subdir
from conda_docker.errors import InvalidEnvironment


def test_the_platform_when_none_is_named() -> None:
    assert choose_subdir(["linux-64", "linux-aarch64", "win-64"], None, "x") == host_subdir()
    assert choose_subdir(["linux-s390x", "osx-64"], None, "x") == "linux-s390x"
    with pytest.raises(InvalidEnvironment, match="it has osx-64"):
        choose_subdir(["osx-64"], None, "x")


def test_the_least_demanding_platform() -> None:
    assert least_demanding([{"__cuda": "12.9"}, {"__cuda": "12.10"}, {"__cuda": "12.4", "__glibc": "2.28"}]) == 2
    assert least_demanding([{"__cuda": "13"}, {"__cuda": "9.2"}, {"__cuda": "12"}]) == 1
    assert least_demanding([{"__cuda": "13"}, {}]) == 1


@pytest.mark.parametrize(
    ("subdirs", "advice"),
    [
        (["win-64"], "it has win-64, which no Linux image can run; add linux-64 to its platforms"),
        (
            ["osx-64", "linux-aarch64"],
            "it has linux-aarch64, osx-64; add linux-64 to its platforms, or choose another with --platform",
        ),
        ([], "it has none"),
    ],
    ids=["foreign", "another", "none"],
)
def test_what_to_do_about_a_platform_that_is_missing(subdirs: list[str], advice: str) -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        choose_subdir(subdirs, "linux-64", "pixi.lock")
    assert str(caught.value) == f"pixi.lock has no platform linux-64; {advice}"
