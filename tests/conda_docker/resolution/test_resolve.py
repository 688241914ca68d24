"""From what a user asks for to exact packages and a base image."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.errors import InvalidEnvironment, SolverFailed, Unsolvable, UnsupportedInput
from conda_docker.request import Request
from conda_docker.resolution.lock import lock
from conda_docker.resolution.resolve import Resolved, resolve
from python_docker import Image
from python_docker.errors import PlatformNotFound
from python_docker.spec.platform import Platform
from python_docker.transports import write_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.cli.commands.test_copy import write_index
from tests.conda_docker.environment.inputs.examples import FOLDER
from tests.conda_docker.settings import home, serve

__all__ = ["home", "serve"]

AMD64 = Platform.parse("linux/amd64")

OLD_GLIBC = b"\x7fELF GNU C Library (Debian GLIBC 2.17-1) stable release version 2.17.\n"


@pytest.fixture
def base(tmp_path: Path) -> str:
    """Return the place of a base image for arm64 whose C library is old."""
    image = Image("base", "v1", platform=Platform("linux", "arm64"))
    image.add_layer_contents({"lib/aarch64-linux-gnu/libc.so.6": OLD_GLIBC})
    write_image(image, f"oci:{tmp_path}/base:v1")
    return f"oci:{tmp_path}/base:v1"


def resolve_one(tmp_path: Path, **fields: Any) -> Resolved:
    [resolved] = resolve(Request(options=BuildOptions(cache_dir=tmp_path / "cache"), **fields))
    return resolved


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


def test_the_base_is_known_before_packages_are_chosen(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    base = Image("base", "1")
    base.add_layer_contents({"etc/base": b"base"})
    write_image(base, f"oci:{tmp_path}/base:1")
    known: list[Image] = []
    request = Request(
        specs=["nothing-of-that-name"],
        channels=[synthetic_channel.url],
        override_channels=True,
        base=f"oci:{tmp_path}/base:1",
        options=BuildOptions(cache_dir=tmp_path / "cache"),
    )
    with pytest.raises(Unsolvable):
        resolve(request, opened=known.append)
    assert [image.digest for image in known] == [base.digest]


def test_packages_are_chosen_for_the_base_s_c_library(
    base: str, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="tool", version="1", subdir="linux-aarch64", depends=("__glibc >=2.17",)),
        SyntheticPackage(name="tool", version="2", subdir="linux-aarch64", depends=("__glibc >=2.34",)),
    )
    fields = {"base": base, "channels": synthetic_channel.url, "platforms": "linux/arm64"}
    found = resolve_one(tmp_path, specs="tool", **fields)
    assert found.base is not None
    assert [package.version for package in found.environment.packages] == ["1"]
    found = resolve_one(tmp_path, specs="tool", virtual_packages="__glibc=2.40", **fields)
    assert [package.version for package in found.environment.packages] == ["2"]
    with pytest.raises(Unsolvable):
        resolve_one(tmp_path, specs="tool=2", **fields)


def test_a_list_of_exact_packages_says_its_platform(base: str, tmp_path: Path) -> None:
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://conda.example.org/forge/linux-aarch64/tool-1-0.conda\n")
    found = resolve_one(tmp_path, files=file, base=base)
    assert found.environment.subdir == "linux-aarch64"
    assert found.base is not None
    assert found.base.platform == Platform("linux", "arm64")


def test_scratch_is_not_an_image(tmp_path: Path) -> None:
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://conda.example.org/forge/linux-64/tool-1-0.conda\n")
    assert resolve_one(tmp_path, files=file, base="scratch").base is None


def test_a_base_for_another_platform_only(tmp_path: Path) -> None:
    write_index(tmp_path / "many")
    with pytest.raises(PlatformNotFound, match="linux/s390x"):
        resolve_one(tmp_path, specs="x", base=f"oci:{tmp_path}/many", platforms="linux/s390x")


def test_each_platform_of_a_request(channel: SyntheticChannel) -> None:
    request = Request(
        specs="tool",
        base="scratch",
        channels=channel.url,
        override_channels=True,
        platforms=(AMD64, Platform("linux", "arm64")),
    )
    assert [found.environment.subdir for found in resolve(request)] == ["linux-64", "linux-aarch64"]


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
    assert lock(["gpu"], channels=[channel.url], platform=AMD64, virtual_packages=["__cuda=12.4"]).packages


def test_environment_yml(channel: SyntheticChannel, tmp_path: Path) -> None:
    text = f"name: analysis\nchannels: ['{channel.url}']\ndependencies: [library]\nvariables: {{A: b}}\nextra: 1\n"
    found = lock(["tool"], file=write(tmp_path / "environment.yml", text), platform=AMD64)
    assert [package.name for package in found.packages] == ["library", "tool"]
    assert sorted(found.requested) == ["library", "tool"]
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
    with pytest.raises(InvalidEnvironment, match="nothing can be added to it"):
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


def test_a_file_that_asks_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="no packages are asked for"):
        lock(file=write(tmp_path / "environment.yml", "dependencies: []"))


@pytest.mark.parametrize(
    ("requirement", "error", "said"),
    [
        ("six>>1", InvalidEnvironment, r"environment\.yml, line 5: not a requirement: 'six>>1'"),
        ("./no-1-py3-none-any.whl", InvalidEnvironment, r"environment\.yml, line 5: there is nothing at"),
        ("-e .", UnsupportedInput, "must be built from source.*--allow-sdist"),
        ("git+https://host/a.git", UnsupportedInput, "must be built from source"),
    ],
)
def test_what_pip_cannot_have_is_refused_before_anything_is_asked_for(
    tmp_path: Path, requirement: str, error: type[Exception], said: str
) -> None:
    text = f"channels: [file:///nowhere]\ndependencies:\n- python\n- pip:\n  - {requirement}\n"
    request = Request(files=(write(tmp_path / "environment.yml", text),), base=f"oci:{tmp_path}/no-base")
    with pytest.raises(error, match=said):
        resolve(request)


def test_pip_packages_without_python(tmp_path: Path) -> None:
    file = write(tmp_path / "environment.yml", "dependencies: [pip: [six]]")
    with pytest.raises(InvalidEnvironment, match=r"environment\.yml asks pip for packages.*add python and pip"):
        lock(file=file)


def test_categories_without_python(tmp_path: Path) -> None:
    entry = (
        "version: 1\nmetadata: {platforms: [linux-64]}\npackage:\n- {name: six, version: '1', manager: pip, "
        f"platform: linux-64, url: 'https://h/six-1-py3-none-any.whl', hash: {{sha256: {'a' * 64}}}, category: dev}}\n"
    )
    file = write(tmp_path / "conda-lock.yml", entry)
    with pytest.raises(InvalidEnvironment, match=r"conda-lock\.yml asks .*in the categories dev; choose a category"):
        lock(file=file, categories=["dev"], platform=AMD64)


def test_a_kind_of_file_that_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInput, match="a TOML file"):
        lock(file=write(tmp_path / "pyproject.toml", "[project]\nname = 'app'\n"))


def test_platforms_without_conda_packages() -> None:
    with pytest.raises(UnsupportedInput, match="Linux images only"):
        lock(["a"], platform=Platform.parse("windows/amd64"))


def test_exact_lists_and_prefixes_need_no_solver(prefix: Path, tmp_path: Path) -> None:
    """What starts up for them is counted in milliseconds."""
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-64/a-1-0.conda\n")
    code = (
        "import sys\nfrom conda_docker import lock\n"
        f"lock(file={str(file)!r}), lock(prefix={str(prefix)!r}), lock(name='mine')\n"
        "print([name for name in ('rattler', 'yaml', 'asyncio', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_several_files_are_one_environment(channel: SyntheticChannel, tmp_path: Path) -> None:
    first = write(
        tmp_path / "a.yml", f"name: a\nchannels: ['{channel.url}']\ndependencies: [tool]\nvariables: {{A: 1}}"
    )
    second = write(tmp_path / "b.yml", "name: b\ndependencies: [library]\nvariables: {A: 2, B: 3}")
    found = lock(file=[first, second], platform=AMD64)
    assert sorted(found.requested) == ["library", "tool"]
    assert (found.name, found.variables) == ("a", {"A": "2", "B": "3"})


def test_an_exact_list_takes_no_other_file(tmp_path: Path) -> None:
    listed = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-64/a-1-0.conda\n")
    other = write(tmp_path / "a.yml", "dependencies: [tool]")
    with pytest.raises(InvalidEnvironment, match="neither packages nor another file"):
        lock(file=[listed, other])


def test_lock_is_for_one_platform() -> None:
    with pytest.raises(ValueError, match="must be one platform"):
        lock("numpy", platform="linux/amd64,linux/arm64")


@pytest.mark.parametrize(
    ("choice", "message"),
    [({"environment": "docs"}, "which has no environments to choose"), ({"categories": ["dev"]}, "has no categories")],
)
def test_a_choice_that_a_file_does_not_offer(tmp_path: Path, choice: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        lock(file=write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-64/a-1-0.conda\n"), **choice)


def test_lock_files_are_read_with_their_choices() -> None:
    found = lock(file=FOLDER / "v5.pixi.lock", environment="docs", platform="linux/amd64")
    assert [package.name for package in found.packages] == ["tzdata"]
    found = lock(file=FOLDER / "conda-lock.yml", categories=["docs"], platform="linux/amd64")
    assert [package.name for package in found.packages] == ["tzdata", "sphinx"]


def test_a_lock_file_that_needs_a_newer_glibc() -> None:
    with pytest.raises(InvalidEnvironment, match=r"needs glibc 2\.28 or later \(for its platform\)"):
        lock(file=FOLDER / "v7.pixi.lock", platform="linux/amd64", virtual_packages=["__glibc=2.17"])


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


def test_a_pixi_workspace_that_needs_a_newer_glibc(
    base: str, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="app", subdir="linux-aarch64"))
    file = write(
        tmp_path / "pixi.toml",
        f'[workspace]\nchannels = ["{synthetic_channel.url}"]\n'
        'platforms = [{ platform = "linux-aarch64", glibc = "2.28" }]\n[dependencies]\napp = "*"\n',
    )
    with pytest.raises(InvalidEnvironment, match=r"needs glibc 2\.28 or later .*, and the base image .* has 2\.17"):
        resolve_one(tmp_path, files=file, base=base, platforms="linux/arm64")


def test_a_base_that_says_which_cuda_it_has(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="torch", build="cpu_0"),
        SyntheticPackage(name="torch", build="cuda_0", build_number=1, depends=("__cuda >=12",)),
    )
    base = Image("base", "1")
    base.add_layer_contents({"/bin/sh": b""})
    base.config.set_variable("CUDA_VERSION", "12.4.1")
    write_image(base, f"oci:{tmp_path / 'base'}:1")
    options = {"channels": [synthetic_channel.url], "override_channels": True, "base": f"oci:{tmp_path / 'base'}:1"}
    resolved = resolve_one(tmp_path, specs=["torch"], **options)
    assert [package.build for package in resolved.environment.packages] == ["cuda_0"]
    without = resolve_one(tmp_path, specs=["torch"], virtual_packages=["__cuda="], **options)
    assert [package.build for package in without.environment.packages] == ["cpu_0"]


@pytest.mark.parametrize("spec", ["python >=3.11,<<4", "numpy >=1.20,", "::numpy"])
def test_a_bad_spec_is_named_with_its_file_and_line(
    synthetic_channel: SyntheticChannel, tmp_path: Path, spec: str
) -> None:
    file = write(
        tmp_path / "environment.yml", f"channels:\n- {synthetic_channel.url}\ndependencies:\n- pip\n- '{spec}'\n"
    )
    with pytest.raises(InvalidEnvironment, match=r"environment\.yml, line 5: not a valid package spec"):
        resolve_one(tmp_path, files=file, override_channels=True, base="scratch")


def test_what_cannot_be_solved_is_said_with_its_lines(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="lib", version="1"),
        SyntheticPackage(name="tool", version="1", depends=("lib >=2",)),
        SyntheticPackage(name="other", version="1"),
    )
    text = f"channels: ['{synthetic_channel.url}', nodefaults]\ndependencies:\n  - other\n  - tool\n  - lib=1\n"
    file = write(tmp_path / "environment.yml", text)
    with pytest.raises(Unsolvable) as caught:
        resolve_one(tmp_path, files=file, base="scratch")
    asked = str(caught.value).partition("asked for in:\n")[2].splitlines()
    assert asked == [f"  tool: {file}, line 4", f"  lib=1: {file}, line 5"]


def test_a_version_of_a_pixi_manifest_is_found_by_the_package_s_name(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", version="1"))
    text = f'''[workspace]
channels = ["{synthetic_channel.url}"]
platforms = ["linux-64", "linux-aarch64"]
[dependencies]
tool = ">=9"
'''
    file = write(tmp_path / "pixi.toml", text)
    with pytest.raises(Unsolvable, match=r"asked for in:\n  tool >=9: .*pixi\.toml, line 5"):
        resolve_one(tmp_path, files=file, base="scratch")
