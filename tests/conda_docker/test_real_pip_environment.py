"""A real environment with real wheels: as uv installs them, and as pip and Python in a container see them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.environment.packages.wheels import LockedWheel, normalize_name
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.link.prefix import Prefix
from conda_docker.package.fetch.fetch import fetch_packages
from conda_docker.provenance.reading import read_environments
from conda_docker.request import Request
from conda_docker.resolution.resolve import Resolved, resolve
from conda_docker.sbom.document import bill_of_materials
from conda_docker.verification.rebuild import rebuild
from conda_docker.verification.report import Outcome
from demo.base import make_base
from demo.channel import IndexUnreachable, RealChannel
from demo.wheels import fetch_wheels
from python_docker.transports import write_image
from tests.conda_docker.pypi.oracle import PYTHON, differences, installed_by_uv, linked, virtual_environment
from tests.conda_docker.pypi.wheels import make_wheel
from tests.conda_docker.real_conda import require_conda
from tests.peers import DockerEngine, Program, unpack_image
from tests.peers.availability import require

REQUIREMENTS = (
    "pip",
    "black",  # compiled, with console scripts
    "zope.interface",  # compiled, in a namespace
    "jupyterlab-pygments",  # data files outside site-packages
    "ruff",  # a large program among the scripts
    "pandas",  # needs numpy, which conda brings
)
PROGRAM = """
import black, pandas, zope.interface
from importlib.metadata import distribution
assert pandas.DataFrame({"a": [1, 2]}).a.sum() == 3
assert distribution("numpy").read_text("INSTALLER").strip() == "conda"
assert distribution("black").read_text("INSTALLER") == "uv"
assert all(file.locate().exists() for file in distribution("black").files)
print("sound")
"""
# What `conda list` shows (conda/core/prefix_data.py): the records, and distributions whose metadata is in none of them.
CONDA_LIST = """
import json, os, sys
from email.parser import HeaderParser
from pathlib import Path
prefix = Path(sys.prefix)
records = [json.loads(path.read_text()) for path in prefix.glob("conda-meta/*.json")]
listed = {record["name"]: (record["version"], "conda") for record in records}
owned = {path for record in records for path in record["files"]}
for path in prefix.glob("lib/python3.*/site-packages/*.dist-info/METADATA"):
    if str(path.relative_to(prefix)) not in owned:
        metadata = HeaderParser().parsestr(path.read_text())
        name = metadata["Name"].lower().replace("_", "-").replace(".", "-")
        listed[name] = (metadata["Version"], "pypi")
print(json.dumps(listed))
"""

Run = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pip-environment")


@pytest.fixture(scope="module")
def resolved(real_channel: RealChannel, folder: Path) -> Resolved:
    """Return the environment: from a real channel, the Python index, and a wheel with a GUI script."""
    try:
        fetch_wheels(["jupyterlab-pygments"], folder / "probe")
    except IndexUnreachable as error:
        pytest.skip(str(error))
    points = {"entry_points.txt": "[gui_scripts]\nwindow = window:main\n"}
    window = make_wheel(folder, "window", files={"window.py": "def main():\n    print('shown')\n"}, metadata=points)
    pip = "".join(f"    - {requirement}\n" for requirement in (*REQUIREMENTS, f"./{window.name}"))
    file = folder / "environment.yml"
    file.write_text(f"channels: [{real_channel.url}, nodefaults]\ndependencies:\n  - numpy\n  - pip:\n{pip}")
    options = BuildOptions(cache_dir=folder / "cache")
    [found] = resolve(Request(files=(file,), base=f"oci:{make_base()}", options=options))
    return found


@pytest.fixture(scope="module")
def built(resolved: Resolved, folder: Path) -> BuildResult:
    result = build_image(resolved.environment, resolved.base, BuildOptions(cache_dir=folder / "cache"))
    result.image.name, result.image.tag = "pip-environment", "v1"
    return result


def test_every_wheel_is_as_uv_installs_it(resolved: Resolved, folder: Path, tmp_path: Path) -> None:
    environment = virtual_environment(tmp_path / "environment")
    prefix = Prefix(str(environment), PYTHON)
    wheels: list[LockedWheel] = list(resolved.environment.wheels)
    names = {wheel.name for wheel in wheels}
    assert "numpy" not in names
    assert names >= {"black", "zope-interface", "pandas", "ruff"}
    for wheel, path in fetch_packages(wheels, folder / "cache"):
        named = tmp_path / wheel.file_name
        named.symlink_to(path)
        theirs = installed_by_uv(environment, [named])
        given = LockedWheel(name=wheel.name, version=wheel.version, url=wheel.url, requested=True, direct=True)
        ours, _ = linked(path, given, prefix)
        assert differences(theirs, ours) == []


@pytest.fixture(scope="module")
def run(built: BuildResult, docker_engine: DockerEngine, folder: Path) -> Run:
    """Return what runs a command in a container of the image, and gives its output."""
    write_image(built.image, str(folder / "image.tar"))
    docker_engine.load(folder / "image.tar")

    def run(*command: str) -> str:
        return docker_engine.run("pip-environment:v1", *command).stdout

    return run


def test_containers_see_what_pip_would_have_installed(built: BuildResult, resolved: Resolved, run: Run) -> None:
    assert run("python", "-c", PROGRAM) == "sound\n"
    assert run("pip", "check") == "No broken requirements found.\n"
    listed = pip_list(run)
    wheels = {wheel.name: wheel.version for wheel in resolved.environment.wheels}
    assert listed.items() >= wheels.items()
    [conda] = [package for package in resolved.environment.packages if package.name == "numpy"]
    assert listed["numpy"] == conda.version
    [inspected] = read_environments(built.image)
    named = {package.name: package.version for package in inspected.packages if package.is_wheel}
    assert named == wheels
    assert run("window") == "shown\n"
    assert run("ruff", "--version").startswith("ruff ")
    assert "compiled: yes" in run("black", "--version")


def pip_list(run: Run) -> dict[str, str]:
    rows: list[dict[str, str]] = json.loads(run("pip", "list", "--format", "json"))
    return {row["name"].lower().replace("_", "-").replace(".", "-"): row["version"] for row in rows}


def test_pip_and_conda_agree_on_what_there_is(resolved: Resolved, run: Run) -> None:
    by_conda = {name: tuple(found) for name, found in json.loads(run("python", "-c", CONDA_LIST)).items()}
    assert by_conda == {
        **{package.name: (package.version, "conda") for package in resolved.environment.packages},
        **{wheel.name: (wheel.version, "pypi") for wheel in resolved.environment.wheels},
    }
    by_pip = pip_list(run)
    assert by_pip.items() <= {name: version for name, (version, _) in by_conda.items()}.items()
    assert by_pip.keys() >= {name for name, (_, channel) in by_conda.items() if channel == "pypi"} | {"numpy"}


def test_a_bill_of_materials_names_what_conda_and_pip_find(built: BuildResult, run: Run, folder: Path) -> None:
    bill = bill_of_materials(
        built.image, "cyclonedx", environment=built.environment, stated=built.stated, cache_dir=folder / "cache"
    )
    named: dict[str, set[tuple[str, str]]] = {"conda": set(), "pypi": set()}
    for component in json.loads(bill)["components"]:
        if component["type"] == "library":
            named[component["purl"].partition("/")[0].removeprefix("pkg:")].add(
                (component["name"], component["version"])
            )
    by_conda = json.loads(run("python", "-c", CONDA_LIST))
    assert named["conda"] == {(name, version) for name, (version, kind) in by_conda.items() if kind == "conda"}
    inspected = [one["metadata"] for one in json.loads(run("pip", "inspect"))["installed"]]
    assert named["pypi"] == {(normalize_name(one["name"]), one["version"]) for one in inspected}


def test_layers_of_wheels_are_made_again(built: BuildResult, resolved: Resolved, folder: Path) -> None:
    names = [wheel.name for wheel in resolved.environment.wheels]
    report = rebuild(built.image, packages=names, options=BuildOptions(cache_dir=folder / "cache", offline=True))
    again = [layer for layer in report.layers if set(names) & set(layer.packages)]
    assert {layer.outcome for layer in again} == {Outcome.IDENTICAL}
    assert {name for layer in again for name in layer.packages} >= set(names)


def test_a_real_conda_sees_the_same(resolved: Resolved, folder: Path, tmp_path: Path) -> None:
    """The prefix is a folder of this test, so that conda finds the environment where its files say it is."""
    conda = require_conda(tmp_path)
    prefix = tmp_path / "env"
    options = BuildOptions(prefix=str(prefix), cache_dir=folder / "cache")
    write_image(build_image(resolved.environment, None, options).image, f"oci:{tmp_path / 'layout'}:v1")
    root = unpack_image(Program(require("umoci")), tmp_path / "layout", "v1", tmp_path / "bundle")
    shutil.move(root / prefix.relative_to("/"), prefix)
    rows = json.loads(conda("list", "--json", "--prefix", prefix).stdout)
    listed = {row["name"].replace(".", "-"): (row["version"], row["channel"] == "pypi") for row in rows}
    assert listed == {
        **{package.name: (package.version, False) for package in resolved.environment.packages},
        **{wheel.name: (wheel.version, True) for wheel in resolved.environment.wheels},
    }
    said = conda("doctor", "--verbose", "--prefix", prefix, check=False).stdout
    assert "✅ There are no packages with missing files" in said, said
    assert "✅ There are no packages with altered files" in said, said


def test_an_explicit_list_of_it_makes_the_same_image(built: BuildResult, folder: Path, tmp_path: Path) -> None:
    [environment] = read_environments(built.image)
    (tmp_path / "explicit.txt").write_text(environment.explicit())
    options = BuildOptions(cache_dir=folder / "cache")
    [again] = resolve(Request(files=(tmp_path / "explicit.txt",), base=f"oci:{make_base()}", options=options))
    assert build_image(again.environment, again.base, options).image.digest == built.image.digest
