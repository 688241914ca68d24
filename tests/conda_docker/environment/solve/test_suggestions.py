"""An error says which versions there are and which names are near."""

from __future__ import annotations

import json

import pytest

from conda_docker.environment.solve.rattler import solve
from conda_docker.errors import InvalidEnvironment, Unsolvable
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.environment.solving import solve_request


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel with nine versions of numpy and a package that needs a tenth."""
    synthetic_channel.add(
        *(SyntheticPackage(name="numpy", version=f"{number}.0") for number in range(1, 10)),
        SyntheticPackage(name="app", depends=["numpy >=10"]),
    )
    return synthetic_channel


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("numpy=99", "there is no numpy=99; available: 9.0, 8.0, 7.0, 6.0, 5.0, 4.0 and 3 more\n"),
        ("nmupy", "there is no package named 'nmupy'; did you mean numpy?\n"),
        ("nothing-like-it", "there is no package named 'nothing-like-it'\n"),
        (
            "pywin32",
            "there is no package named 'pywin32', which is a package of Windows; `conda env export --from-history`",
        ),
        ("appnope", "there is no package named 'appnope', which is a package of macOS; "),
        ("numpy=9.0=mkl", "there is no numpy=9.0=mkl: builds of that version are 0\n"),
        ("app", "no packages for linux-64 satisfy the request: app"),
    ],
)
def test_what_there_is(channel: SyntheticChannel, spec: str, said: str) -> None:
    for specs in ([spec], ["numpy", spec]):
        with pytest.raises(Unsolvable) as caught:
            solve(solve_request(*specs, channels=[channel.url], override_channels=True))
        assert str(caught.value).startswith(said)
        assert "channels searched" in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "meant"),
    [("numpy >=1.20,", "numpy >=1.20"), ("numpy>=1,,<3", "numpy>=1,<3"), ("numpy , [build=x]", "numpy[build=x]")],
)
def test_a_stray_comma(channel: SyntheticChannel, spec: str, meant: str) -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        solve(solve_request(spec, channels=[channel.url], override_channels=True))
    assert f"did you mean {meant!r}?" in str(caught.value)


def test_a_package_that_was_removed_is_not_proposed_in_its_own_place(channel: SyntheticChannel) -> None:
    index = channel.folder / "linux-64/repodata.json"
    document = json.loads(index.read_text())
    index.write_text(json.dumps({**document, "removed": ["app-1.0-0.conda"]}))
    with pytest.raises(Unsolvable) as caught:
        solve(solve_request("app", channels=[channel.url], override_channels=True))
    assert str(caught.value).startswith("there is no package named 'app'\n")
