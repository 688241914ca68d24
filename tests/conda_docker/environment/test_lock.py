"""Whatever describes an environment, `lock` gives its exact packages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conda_docker.environment import lock
from conda_docker.errors import InvalidEnvironment, SolverFailed, Unsolvable, UnsupportedInput
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage

AMD64 = Platform.parse("linux/amd64")


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel with packages for two platforms."""
    synthetic_channel.add(
        SyntheticPackage(name="tool", depends=["library"]),
        SyntheticPackage(name="library", noarch="generic"),
        SyntheticPackage(name="tool", subdir="linux-aarch64", build="arm"),
        SyntheticPackage(name="fast", depends=["__archspec 1 x86_64_v3"]),
        SyntheticPackage(name="gpu", depends=["__cuda"]),
    )
    return synthetic_channel


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_specs(channel: SyntheticChannel) -> None:
    found = lock(["tool"], channels=[channel.url], platform=AMD64)
    assert [package.name for package in found.packages] == ["library", "tool"]


def test_the_platform(channel: SyntheticChannel) -> None:
    found = lock(["tool"], channels=[channel.url], platform=Platform.parse("linux/arm64"))
    assert (found.subdir, found.packages[-1].build) == ("linux-aarch64", "arm")


def test_the_variant_of_the_platform(channel: SyntheticChannel) -> None:
    with pytest.raises(Unsolvable, match="__archspec"):
        lock(["fast"], channels=[channel.url], platform=AMD64)
    assert lock(["fast"], channels=[channel.url], platform=Platform.parse("linux/amd64/v3")).packages


def test_virtual_packages(channel: SyntheticChannel) -> None:
    assert lock(["gpu"], channels=[channel.url], platform=AMD64, virtual=["__cuda=12.4"]).packages


def test_environment_yml(channel: SyntheticChannel, tmp_path: Path) -> None:
    text = f"name: analysis\nchannels: ['{channel.url}']\ndependencies: [library]\nvariables: {{A: b}}\nextra: 1\n"
    found = lock(["tool"], file=write(tmp_path / "environment.yml", text), platform=AMD64)
    assert [package.name for package in found.packages] == ["library", "tool"]
    assert found.requested == ("library", "tool")
    assert (found.name, found.variables, found.channels) == ("analysis", {"A": "b"}, (channel.url,))
    assert "'extra' is not known" in found.warnings[0]


def test_channels_given_come_before_the_files(channel: SyntheticChannel, tmp_path: Path) -> None:
    other = SyntheticChannel(tmp_path / "other")
    other.add(SyntheticPackage(name="library", version="9", noarch="generic"))
    file = write(tmp_path / "environment.yml", f"channels: ['{other.url}']\ndependencies: [library]\n")
    assert lock(file=file, channels=[channel.url], platform=AMD64).packages[0].version == "1.0"
    assert lock(file=file, platform=AMD64).packages[0].version == "9"


def test_explicit_list(tmp_path: Path) -> None:
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-aarch64/a-1-0.conda\n")
    assert lock(file=file).subdir == "linux-aarch64"
    with pytest.raises(InvalidEnvironment, match="linux-64 was asked for"):
        lock(file=file, platform=AMD64)
    with pytest.raises(InvalidEnvironment, match="no others can be added to it"):
        lock(["b"], file=file)


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


@pytest.fixture
def prefix(home: Path) -> Path:
    """Return an environment called `mine`, of one package."""
    folder = home / ".conda/envs/mine"
    (folder / "conda-meta").mkdir(parents=True)
    record = {
        "name": "a",
        "version": "1",
        "build": "0",
        "subdir": "linux-64",
        "url": "https://host/c/linux-64/a-1-0.conda",
    }
    (folder / "conda-meta/a-1-0.json").write_text(json.dumps(record))
    return folder


def test_prefix(prefix: Path) -> None:
    assert [package.name for package in lock(prefix=prefix).packages] == ["a"]
    assert lock(prefix="~/.conda/envs/mine").name == "mine"


def test_name(prefix: Path) -> None:
    assert lock(name="mine").packages == lock(prefix=prefix).packages


def test_another_solver(tmp_path: Path) -> None:
    with pytest.raises(SolverFailed, match="there is no program"):
        lock(["a"], solver=tmp_path / "mamba", platform=AMD64)
    with pytest.raises(SolverFailed, match="there is no program"):
        lock(["a"], conda_exe=tmp_path / "conda", platform=AMD64)


@pytest.mark.parametrize(
    "described",
    [
        {"specs": ["a"], "name": "x"},
        {"specs": ["a"], "prefix": "/x"},
        {"name": "x", "prefix": "/x"},
        {"file": "x.yml", "name": "x"},
        {},
    ],
)
def test_one_description(described: dict[str, object]) -> None:
    with pytest.raises(InvalidEnvironment, match=r"in two ways|no packages were asked for"):
        lock(**described)  # type: ignore[arg-type]


def test_one_text_is_no_list_of_specs() -> None:
    with pytest.raises(TypeError, match="a sequence of texts"):
        lock("numpy")


def test_a_file_that_asks_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="asks for no packages"):
        lock(file=write(tmp_path / "environment.yml", "dependencies: []"))


def test_a_kind_of_file_that_cannot_be_read_yet(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInput, match="a pixi lock file"):
        lock(file=write(tmp_path / "pixi.lock", "version: 6\nenvironments: {}\npackages: []\n"))


def test_platforms_without_conda_packages() -> None:
    with pytest.raises(UnsupportedInput, match="Linux images only"):
        lock(["a"], platform=Platform.parse("windows/amd64"))


def test_exact_lists_and_prefixes_need_no_solver(prefix: Path, tmp_path: Path) -> None:
    """What starts up for them is counted in milliseconds."""
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-64/a-1-0.conda\n")
    code = (
        "import sys\nfrom conda_docker.environment import lock\n"
        f"lock(file={str(file)!r}), lock(prefix={str(prefix)!r}), lock(name='mine')\n"
        "print([name for name in ('rattler', 'ruamel.yaml', 'asyncio', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
