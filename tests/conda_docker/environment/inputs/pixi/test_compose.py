"""An environment is the union of its features, as pixi makes it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.inputs.pixi.compose import choose_platform, compose
from conda_docker.environment.inputs.pixi.manifest import parse_manifest
from conda_docker.environment.packages.wheels import PipOption
from conda_docker.environment.solve.match_specs import read_specs
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.user_files import read_text
from tests.conda_docker.environment.inputs.examples import FOLDER
from tests.conda_docker.environment.inputs.pixi.workspaces import WORKSPACE, composed, composed_example
from tests.conda_docker.environment.real_files import real_files


def test_the_default_environment() -> None:
    found = composed_example()
    assert found.specs == (
        "python >=3.11,<3.14",
        "zlib >=1.3",
        "pytorch::torch[version='2.*',build_number='>=2']",
        "shared[version='1.*',build='py*']",
        "cmake 3.28",
    )
    assert found.constraints == ("openssl >=3.0",)
    assert found.channels == ("https://conda.example.org/first", "forge")
    assert (found.override_channels, found.channel_priority, found.strategy) == (True, "strict", None)
    assert found.exclude_newer == datetime(2026, 3, 31, tzinfo=UTC)
    assert found.virtual_packages == ("__glibc=2.31", "__linux=5.10")
    assert (found.subdir, found.name) == ("linux-64", "example")


def test_requirements_for_pip() -> None:
    pip = composed_example().pip
    assert pip is not None
    assert pip.requirements == (
        "Rich",
        "pandas[sql,s3]>=2",
        f"app @ {(FOLDER / 'app').as_uri()}",
        "tool @ git+https://git.example.org/tool.git@1f2e3d#subdirectory=py",
        "click @ https://downloads.example.org/click-8.1.7-py3-none-any.whl",
        "dated==1.0 ; python_version < '3.12'",
        "special",
    )
    assert pip.options == (
        PipOption("index-url", "https://pypi.example.org/simple"),
        PipOption("extra-index-url", "https://pypi.example.org/extra"),
        PipOption("find-links", f"{FOLDER / 'links'}"),
        PipOption("find-links", "https://pypi.example.org/links"),
        PipOption("pre"),
    )
    assert pip.indexes == {"special": "https://pypi.example.org/special"}
    assert (pip.index_strategy, pip.overrides) == ("first-index", ())


def test_variables() -> None:
    assert composed_example().variables == {"LEVEL": "2"}
    assert composed_example("test").variables == {"LEVEL": "3"}


def test_scripts() -> None:
    found = composed_example()
    assert [script.name for script in found.scripts] == ["setup.sh", "variables.sh"]
    assert found.scripts[1].text == 'export LEVEL="2"\nexport WHERE="$CONDA_PREFIX/share"\n'
    assert found.warnings == ()


def test_features() -> None:
    found = composed_example("test")
    assert found.specs[:3] == ("pytest", "python 3.12.*", "python >=3.11,<3.14")
    assert found.channels == ("https://conda.example.org/first", "testing", "forge")
    assert (found.channel_priority, found.strategy, found.name) == ("disabled", "lowest", "test")
    assert found.pip is not None
    assert found.pip.requirements[0] == "hypothesis>=6"


def test_solve_groups() -> None:
    """What other environments of the group ask for is solved for too, and what they ask of pip holds for versions."""
    found = composed_example("docs")
    assert "sphinx >=8" in found.specs
    assert found.solved_with == ("pytest", "python 3.12.*")
    assert found.pip is not None
    assert found.pip.constraints == ("hypothesis>=6",)
    assert composed_example().solved_with == ()


def test_an_environment_without_the_default_feature() -> None:
    found = composed_example("lint")
    assert (found.specs, found.pip, found.variables, found.virtual_packages) == (("ruff",), None, {}, ())
    assert found.channels == ("https://conda.example.org/first", "forge")


def test_a_platform_with_a_name_and_virtual_packages() -> None:
    found = composed_example("gpu", "linux-aarch64")
    assert (found.specs[0], found.subdir) == ("cuda 12.*", "linux-aarch64")
    assert found.virtual_packages == ("__cuda=12.4", "__glibc=2.34", "__linux=5.10")
    assert "cmake 3.27" in found.specs


@pytest.mark.parametrize(
    ("environment", "subdir", "message"),
    [
        ("gpu", "linux-64", "has no platform linux-64 in the environment 'gpu'; it has linux-aarch64"),
        (None, "linux-ppc64le", "has no platform linux-ppc64le; it has linux-64, linux-aarch64, osx-arm64"),
        ("prod", "linux-64", "pixi.toml has no environment 'prod'; it has default, test, lint, docs, gpu"),
    ],
)
def test_what_there_is_not(environment: str | None, subdir: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        composed_example(environment, subdir)


GPU = """[workspace]
channels = []
platforms = ["linux-64", { platform = "linux-64", cuda = "12" }]
[feature.gpu]
platforms = ["linux-64-cuda-12"]
[environments]
gpu = ["gpu"]
"""


def test_a_workspace_for_any_platform() -> None:
    assert composed("[workspace]\nchannels = ['forge']\n", subdir="linux-s390x").subdir == "linux-s390x"


def test_several_platforms_for_one_subdir() -> None:
    assert composed(GPU).virtual_packages == ()
    assert composed(GPU, "gpu").virtual_packages == ("__cuda=12",)
    found = composed(GPU.replace('["linux-64",', '[{ platform = "linux-64", cuda = "13.0" },'))
    assert found.virtual_packages == ("__cuda=12",)
    assert found.warnings == (
        "pixi.toml: of the platforms for linux-64, linux-64-cuda-12 is used, not linux-64-cuda-13-0",
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("[dependencies]\napp = { path = '.' }", r"`dependencies.app` is built from source \(.\)"),
        ("[dependencies]\napp = { git = 'https://me:s3cret@host/app' }", r"built from source \(https://host/app\)"),
        (
            "[dependencies]\napp = { version = '1', when = 'x' }",
            "line 6 of .* has `when`, which is not",
        ),
        ("[dev]\napp = { path = '.' }", "`dev` installs what the sources of app need"),
    ],
)
def test_what_is_refused_by_name(lines: str, message: str) -> None:
    with pytest.raises(UnsupportedInput, match=message) as caught:
        composed(f"{WORKSPACE}{lines}\n")
    assert "s3cret" not in str(caught.value)
    manifest = parse_manifest(f"{WORKSPACE}{lines}\n", "pixi.toml", FOLDER)
    chosen = manifest.environment(None)
    # A lock file may have it.
    assert compose(manifest, chosen, choose_platform(manifest, chosen, "linux-64")[0], to_solve=False).specs == ()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("channel-priority = 'none'", "`workspace.channel-priority` should be one of strict"),
        ("solve-strategy = 'oldest'", "`workspace.solve-strategy` should be one of highest"),
        ("exclude-newer = 'yesterday'", "`workspace.exclude-newer` should be a date"),
        (
            "[dependencies]\na = 1",
            'line 6 of .*: `dependencies.a` should be a string: a version needs quotes, as in `a = "1"`',
        ),
        ("[pypi-dependencies]\na = '1'", "`pypi-dependencies.a` should begin with an operator, as in `==1`"),
        ("[pypi-options]\nindex-strategy = 'x'", "`index-strategy` should be one of first-index"),
        ("[dependencies]\na = { version = 1 }", "`dependencies.a.version` should be a string"),
        ("[dependencies]\na = { workspace = true }", "`dependencies.a` is not among `workspace.dependencies`"),
        ("[feature.x]\nchannels = [1]\n[environments]\ndefault = ['x']", "`feature.x.channels` should hold names"),
        ("[activation]\nenv = { 'a b' = 'c' }", "`activation.env.a b` cannot be the name of a variable"),
        ("[activation]\nenv = { a = [] }", "`activation.env.a` should be a string"),
        ("[pypi-options]\nfind-links = [1]", "`pypi-options.find-links` should hold tables"),
        (
            "[feature.x]\nchannel-priority = 'flexible'\n[feature.y]\nchannel-priority = 'disabled'\n"
            "[environments]\ndefault = ['x', 'y']",
            "the environment 'default' has several channel priorities: flexible, disabled",
        ),
        (
            "[feature.x.pypi-options]\nindex-url = 'https://a'\n[feature.y.pypi-options]\nindex-url = 'https://b'\n"
            "[environments]\ndefault = ['x', 'y']",
            "have several values of `index-url`: https://a, https://b",
        ),
    ],
)
def test_what_contradicts_itself(lines: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        composed(f"{WORKSPACE}{lines}\n")


def test_built_packages() -> None:
    text = WORKSPACE + (
        "[dependencies]\na = { url = 'https://host/c/linux-64/a-1-0.conda' }\nb = { path = 'out/b-1-0.tar.bz2' }\n"
    )
    assert composed(text).specs == ("https://host/c/linux-64/a-1-0.conda", str(FOLDER / "out" / "b-1-0.tar.bz2"))


def test_channels_in_folders() -> None:
    assert composed(WORKSPACE.replace('"forge"', '"./channel", "nodefaults"')).channels == (str(FOLDER / "channel"),)


def test_a_feature_of_the_workspace_replaces_its_single_options() -> None:
    text = (
        f"{WORKSPACE}[workspace.pypi-options]\nindex-url = 'https://a'\nextra-index-urls = ['https://c']\n"
        "[pypi-options]\nindex-url = 'https://b'\nindex-strategy = 'unsafe-best-match'\n[pypi-dependencies]\nx = '*'\n"
    )
    found = composed(text)
    assert found.pip is not None
    assert found.pip.options == (PipOption("index-url", "https://b"), PipOption("extra-index-url", "https://c"))
    assert found.pip.index_strategy == "unsafe-best-match"
    assert found.warnings == ()


def test_options_for_pip_that_have_no_meaning_here() -> None:
    text = f"{WORKSPACE}[pypi-options]\nno-build = true\nno-binary = ['a']\n"
    assert composed(text).warnings == ("pixi.toml: `pypi-options.no-binary` is ignored",)


def test_overrides_of_what_packages_ask_for() -> None:
    text = f"{WORKSPACE}[pypi-options]\ndependency-overrides = {{ a = '==1', b = '*' }}\n[pypi-dependencies]\nx = '*'\n"
    pip = composed(text).pip
    assert pip is not None
    assert pip.overrides == ("a==1", "b")


@pytest.mark.parametrize("path", [*real_files("pixi-toml"), *real_files("pyproject-pixi")], ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    """Every environment is for some platform, and asks for packages in a way that the solver understands."""
    manifest = parse_manifest(read_text(path), path.name, path.parent)
    for environment in manifest.environments.values():
        platform = next(p for p in manifest.platforms if all(feature.supports(p) for feature in environment.features))
        try:
            found = compose(manifest, environment, choose_platform(manifest, environment, platform.subdir)[0])
        except UnsupportedInput as error:
            assert "built from source" in str(error)  # noqa: PT017
            assert any(name in path.name for name in ("xarray", "pixitainer", "editable-pyproject"))
            continue
        assert found.channels
        assert len(read_specs(found.specs, CondaConfiguration())) == len(set(found.specs))
