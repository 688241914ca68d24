"""The lock file next to a manifest is used where it is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.kind import InputFile, ReadRequest
from conda_docker.environment.inputs.pixi_manifest import KIND, parse_pixi_manifest
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from tests.conda_docker.environment.inputs.examples import example

MANIFEST = """[workspace]
name = "app"
channels = ["https://conda.example.org/forge"]
platforms = ["linux-64", "osx-arm64"]

[dependencies]
python = "3.13.*"
pip = { version = "*", channel = "https://conda.example.org/forge" }

[constraints]
tzdata = ">=2024a"
absent = ">=1"

[pypi-dependencies]
requests = ">=2.32"
pip = "*"

[activation.env]
LEVEL = "1"
"""


def read(folder: Path, manifest: str = MANIFEST, lock: str | None = None) -> LockedEnvironment | EnvironmentSpec:
    """Return what is read of a manifest in `folder` next to a lock file."""
    (folder / "pixi.lock").write_text(lock or example("v6.pixi.lock"))
    return parse_pixi_manifest(manifest, "pixi.toml", subdir="linux-64", folder=folder)


def test_a_lock_file_that_is_up_to_date(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert isinstance(found, LockedEnvironment)
    assert [package.name for package in found.packages] == ["tzdata", "python", "pip"]
    assert [(wheel.name, wheel.requested) for wheel in found.wheels] == [("idna", False), ("requests", True)]
    assert found.requested == ("https://conda.example.org/forge::pip", "python=3.13")
    assert (found.variables, found.name) == ({"LEVEL": "1"}, "app")
    assert found.warnings == (f"{tmp_path / 'pixi.lock'} is up to date with pixi.toml: its packages are used",)


def test_activation_scripts_next_to_a_lock_file(tmp_path: Path) -> None:
    (tmp_path / "setup.sh").write_text("export SETUP=1\n")
    found = read(
        tmp_path, MANIFEST.replace("[activation.env]", '[activation]\nscripts = ["setup.sh"]\n[activation.env]')
    )
    assert isinstance(found, LockedEnvironment)
    assert [script.name for script in found.scripts] == ["setup.sh", "variables.sh"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("conda.example.org/forge", "conda.example.org/other", "its channels are https://conda.example.org/forge/"),
        ("3.13.*", "3.12.*", "its python-3.13.1-ha99a958_102_cp313 is not python 3.12.*"),
        ("[constraints]", "numpy = '*'\n[constraints]", "it has no numpy"),
        ('channel = "https://conda', 'channel = "https://x', "its pip-24.3.1-pyh145f28c_0 is not https://x.example"),
        (">=2024a", ">=2025", "its tzdata-2024b-hc8b5060_0 is not tzdata >=2025"),
        (">=2.32", ">=3", "its requests for pip is 2.32.3, not >=3"),
        ('pip = "*"\n', 'flask = "*"\n', "it has no flask for pip"),
        ('requests = ">=2.32"\n', "", "nothing needs its requests for pip"),
    ],
)
def test_a_lock_file_that_is_not(tmp_path: Path, old: str, new: str, reason: str) -> None:
    found = read(tmp_path, MANIFEST.replace(old, new))
    assert isinstance(found, EnvironmentSpec)
    assert f"is not up to date with pixi.toml ({reason}" in found.warnings[0]
    assert found.warnings[0].endswith("the environment was solved again")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "  - tzdata\n  constrains",
            "  - tzdata\n  - readline\n  constrains",
            "it has no readline, which its python-3.13.1-",
        ),
        ("idna>=2.5,<4", "chardet>=5", "it has no chardet for pip"),
        ("  - idna>=2.5,<4", "  - idna<3", "its idna for pip is 3.10, not <3"),
    ],
)
def test_a_lock_file_that_lacks_what_its_packages_need(tmp_path: Path, old: str, new: str, reason: str) -> None:
    lock = example("v6.pixi.lock")
    assert old in lock
    found = read(tmp_path, lock=lock.replace(old, new))
    assert f"({reason}" in found.warnings[0]


_PIP = 'pip = { version = "*", channel = "https://conda.example.org/forge" }\n'


def test_a_lock_file_with_a_package_that_is_no_longer_wanted(tmp_path: Path) -> None:
    found = read(tmp_path, MANIFEST.replace(_PIP, "").replace('pip = "*"\n', ""))
    assert isinstance(found, EnvironmentSpec)
    assert "(nothing needs its pip-24.3.1-pyh145f28c_0)" in found.warnings[0]


def test_a_conda_package_that_pip_needs(tmp_path: Path) -> None:
    assert isinstance(read(tmp_path, MANIFEST.replace(_PIP, "")), LockedEnvironment)


def test_what_sources_need_is_not_known(tmp_path: Path) -> None:
    manifest = MANIFEST.replace(_PIP, _PIP + 'app = { path = "." }\n').replace(_PIP, "").replace('pip = "*"\n', "")
    assert isinstance(read(tmp_path, manifest), LockedEnvironment)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("[socks]>=2.32", "it has no pysocks for pip"),
        (">=2.32 ; python_version < '3.12'", None),
        (">=3 ; sys_platform == 'win32'", None),
    ],
)
def test_extras_and_markers(tmp_path: Path, wanted: str, reason: str | None) -> None:
    requirement = f"requests{wanted}"
    manifest = f'[project]\nname = "app"\ndependencies = ["{requirement}"]\n' + MANIFEST.replace("[", "[tool.pixi.")
    manifest = manifest.replace("= [tool.pixi.", "= [").replace('requests = ">=2.32"\n', "")
    found = read(tmp_path, manifest)
    if reason is None:
        assert isinstance(found, LockedEnvironment)
    else:
        assert f"({reason}" in found.warnings[0]


def test_what_only_a_lock_file_has(tmp_path: Path) -> None:
    """pixi finds out what the sources of a package need, and locks it."""
    found = read(tmp_path, MANIFEST + "[dev]\napp = { path = '.' }\n")
    assert isinstance(found, LockedEnvironment)


@pytest.mark.parametrize(("cuda", "is_up_to_date"), [("12.4", True), ("11.8", False)])
def test_what_is_declared_of_the_system(tmp_path: Path, cuda: str, is_up_to_date: bool) -> None:
    manifest = f"""[workspace]
channels = ["https://conda.example.org/forge"]
platforms = [{{ name = "linux-64-gpu", platform = "linux-64", cuda = "{cuda}", glibc = "2.35" }}]
[environments]
gpu = []
[dependencies]
cuda = "*"
"""
    (tmp_path / "pixi.lock").write_text(example("v7.pixi.lock"))
    found = parse_pixi_manifest(manifest, "pixi.toml", subdir="linux-64", environment="gpu", folder=tmp_path)
    assert isinstance(found, LockedEnvironment) is is_up_to_date
    if not is_up_to_date:
        assert "(it is for __cuda 12.4)" in found.warnings[0]


def test_a_lock_file_without_the_platform(tmp_path: Path) -> None:
    found = read(tmp_path, lock=example("v6.pixi.lock").replace("linux-64:", "win-64:"))
    assert isinstance(found, EnvironmentSpec)
    assert "has no platform linux-64" in found.warnings[0]


def test_a_lock_file_with_sources(tmp_path: Path) -> None:
    """The packages cannot be had, whether solved for or not."""
    lock = example("v6.pixi.lock").replace("      linux-64:\n", "      linux-64:\n      - conda: ./app\n")
    with pytest.raises(UnsupportedInput, match="app is built from source"):
        read(tmp_path, lock=lock)


def test_no_lock_file(tmp_path: Path) -> None:
    found = parse_pixi_manifest(MANIFEST, "pixi.toml", subdir="linux-64", folder=tmp_path)
    assert isinstance(found, EnvironmentSpec)
    assert found.warnings == ()


def test_packages_will_be_added(tmp_path: Path) -> None:
    (tmp_path / "pixi.lock").write_text(example("v6.pixi.lock"))
    file = InputFile.of(tmp_path / "pixi.toml", MANIFEST)
    assert isinstance(KIND.read(ReadRequest(file=file, subdir="linux-64", alone=False)), EnvironmentSpec)
    assert isinstance(KIND.read(ReadRequest(file=file, subdir="linux-64")), LockedEnvironment)


def test_environments(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"pixi\.toml has no environment 'docs'; it has default"):
        parse_pixi_manifest(MANIFEST, "pixi.toml", environment="docs", folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "is_one"),
    [
        ("pixi.toml", "", True),
        ("app-pixi.toml", "[workspace]\n", True),
        ("mojoproject.toml", "[project]\n", True),
        ("pyproject.toml", "[tool.pixi.workspace]\n", True),
        ("pyproject.toml", "[tool.pixi]\n", True),
        ("pyproject.toml", "[tool.pixie]\n", False),
        ("pyproject.toml", '[project]\nname = "x"\n', False),
        ("pixi.lock", "[workspace]\n", False),
        ("standard input", "[workspace]\nchannels = []\n", True),
        ("file descriptor 63", "[tool.pixi]\n", True),
        ("standard input", "dependencies: [a]\n", False),
    ],
)
def test_which_files_are_manifests(name: str, text: str, is_one: bool) -> None:
    assert KIND.detect(InputFile.of(Path(name), text)) is is_one


def test_a_default_environment_without_packages(tmp_path: Path) -> None:
    text = (
        "[workspace]\nchannels = ['forge']\nplatforms = ['linux-64']\n[feature.docs.dependencies]\nsphinx = '*'\n"
        "[environments]\ndocs = ['docs']\n"
    )
    with pytest.raises(InvalidEnvironment, match="'default' has no packages; name another with --environment: docs"):
        parse_pixi_manifest(text, folder=tmp_path, subdir="linux-64")
    found = parse_pixi_manifest(text, folder=tmp_path, subdir="linux-64", environment="docs")
    assert isinstance(found, EnvironmentSpec)
    assert found.specs == ("sphinx",)
