"""Projects of the user's own become wheels on top of everything else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import LockedWheel, PipRequirements
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment, Unsolvable, UnsupportedInput
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.pypi.project import with_projects
from conda_docker.pypi.resolve.resolution import PipOptions
from conda_docker.pypi.resolve.resolve import resolve_wheels
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.image.test_assemble import PYTHON as PYTHON_PACKAGE
from tests.conda_docker.pypi.conftest import conda_package
from tests.conda_docker.pypi.oracle import PYTHON
from tests.conda_docker.pypi.wheels import make_wheel

# A backend that needs nothing from any index: it packs app.py.
BACKEND = """
import os, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "app-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, "app-1.0-py3-none-any.whl"), "w") as wheel:
        for path, text in (
            ("app.py", open("app.py").read()),
            (f"{info}/METADATA", "Metadata-Version: 2.1\\nName: app\\nVersion: 1.0\\n" + NEEDS),
            (f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"),
            (f"{info}/RECORD", ""),
        ):
            wheel.writestr(zipfile.ZipInfo(path), text)
    return "app-1.0-py3-none-any.whl"
"""

pytestmark = pytest.mark.usefixtures("wheels")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project")


def write_project(folder: Path, *needs: str) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "app"\nversion = "1.0"\n'
    )
    lines = "".join(f"Requires-Dist: {need}\n" for need in needs)
    (folder / "backend.py").write_text(f"NEEDS = {lines!r}\n{BACKEND}")
    (folder / "app.py").write_text("answer = 42\n")
    return folder


def environment(**changes: object) -> LockedEnvironment:
    found = LockedEnvironment("linux-64", (conda_package("python", f"{PYTHON}.0", "h0_0_cpython"),))
    return replace(found, **changes)  # type: ignore[arg-type]


def installed(tmp_path: Path, project: Path, **changes: object) -> LockedEnvironment:
    return with_projects(environment(**changes), [project], cache_dir=tmp_path / "cache", offline=True)


def test_a_project_names_no_folder_of_this_machine(tmp_path: Path, project: Path) -> None:
    [wheel] = installed(tmp_path, project).wheels
    assert (wheel.name, wheel.version, wheel.project, wheel.requested, wheel.direct) == (
        "app",
        "1.0",
        True,
        True,
        False,
    )
    assert wheel.url == "file:///app-1.0-py3-none-any.whl"


def test_the_same_files_elsewhere_are_the_same_wheel(tmp_path: Path, project: Path) -> None:
    shutil.copytree(project, tmp_path / "copy")
    first, second = installed(tmp_path, project), installed(tmp_path / "other", tmp_path / "copy")
    assert first.wheels[0].sha256 == second.wheels[0].sha256


def test_what_it_needs_and_nothing_brings_is_said(tmp_path: Path) -> None:
    needs = ("there>=2", "gone", "old<1", "windows; sys_platform == 'win32'", "extra; extra == 'x'", "app")
    project = write_project(tmp_path / "project", *needs)
    wheels = tuple(
        LockedWheel(name=name, version="2.0", url=f"https://host/{name}-2.0-w.whl") for name in ("there", "old")
    )
    [warning] = installed(tmp_path, project, wheels=wheels).warnings
    assert warning == "app requires gone, old<1 (there is 2.0), which are not in the environment"


def test_it_takes_the_place_of_another_of_its_name(tmp_path: Path, project: Path) -> None:
    published = LockedWheel(name="app", version="0.9", url="https://host/app-0.9-w.whl")
    [wheel] = installed(tmp_path, project, wheels=(published,)).wheels
    assert wheel.version == "1.0"


@pytest.mark.parametrize("written", ["-e ./project", "./project", "app @ {url}", "app[extra] @ {url}"])
def test_a_requirement_on_the_folder_of_a_project_is_met_by_it(
    tmp_path: Path, project: Path, wheels: Path, written: str
) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write('dependencies = ["needed"]\noptional-dependencies = { extra = ["more"] }\n')
    make_wheel(wheels, "needed")
    make_wheel(wheels, "more")
    pip = PipRequirements((written.format(url=project.as_uri()),), folder=tmp_path, origin="environment.yml")
    cache = tmp_path / "cache"
    allowed = PipOptions(projects=(project.resolve(),))
    resolved = resolve_wheels(environment(pip=pip), cache_dir=cache, offline=True, options=allowed)
    found = with_projects(resolved, [project], cache_dir=cache, offline=True)
    names = [(wheel.name, wheel.project) for wheel in found.wheels]
    needed = [*([("more", False)] if "[extra]" in written else []), ("needed", False)]
    assert names == [*needed, ("app", True)]
    without = replace(allowed, build_projects=False)
    left = resolve_wheels(environment(pip=pip), cache_dir=cache, offline=True, options=without)
    assert [(wheel.name, wheel.project) for wheel in left.wheels] == needed


def test_the_requirement_may_be_that_of_a_pixi_workspace_or_its_lock(
    tmp_path: Path, project: Path, synthetic_channel: SyntheticChannel
) -> None:
    synthetic_channel.add(PYTHON_PACKAGE)
    with (project / "pyproject.toml").open("a") as file:
        file.write(
            f'[tool.pixi.workspace]\nchannels = ["{synthetic_channel.url}"]\nplatforms = ["linux-64"]\n'
            '[tool.pixi.dependencies]\npython = "*"\n'
            '[tool.pixi.pypi-dependencies]\napp = { path = ".", editable = true }\n'
        )
    request = Request(
        files=(project / "pyproject.toml",),
        platforms="linux-64",  # type: ignore[arg-type]
        base="scratch",
        options=BuildOptions(cache_dir=tmp_path / "cache"),
    )
    with pytest.raises(UnsupportedInput, match=f"give --project {project} where that is your own project"):
        resolve(request)
    [resolved] = resolve(replace(request, projects=(project,)))
    assert [(wheel.name, wheel.project) for wheel in resolved.environment.wheels] == [("app", True)]
    [without] = resolve(replace(request, projects=(project,)), build_projects=False)
    assert without.environment.wheels == ()
    (python,) = resolved.environment.packages
    lock = project / "pixi.lock"
    lock.write_text(
        f"version: 6\nenvironments:\n  default:\n    channels:\n    - url: {synthetic_channel.url}/\n"
        f"    packages:\n      linux-64:\n      - conda: {python.url}\n      - pypi: ./\n"
        f"packages:\n- conda: {python.url}\n  sha256: {python.sha256}\n- pypi: ./\n  name: app\n  version: '1.0'\n"
    )
    request = replace(request, files=(lock,), projects=(project,))
    [resolved] = resolve(request)
    assert [(wheel.name, wheel.project) for wheel in resolved.environment.wheels] == [("app", True)]
    [without] = resolve(request, build_projects=False)
    assert without.environment.wheels == ()


@pytest.mark.parametrize("others", [[], ["other"]])
def test_a_folder_that_is_not_a_project_s_is_not_built(tmp_path: Path, project: Path, others: list[str]) -> None:
    pip = PipRequirements(("-e ./project",), folder=tmp_path, origin="environment.yml")
    allowed = PipOptions(projects=tuple(tmp_path / name for name in others))
    message = (
        r"from source: -e \./project; give --project .*project where that is your own project, allow it with --allow"
    )
    with pytest.raises(UnsupportedInput, match=message):
        resolve_wheels(environment(pip=pip), cache_dir=tmp_path / "cache", offline=True, options=allowed)


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"is not the folder of a project: it has no pyproject\.toml"):
        installed(tmp_path, tmp_path)
    with pytest.raises(EnvironmentNotFound, match="there is no folder"):
        installed(tmp_path, tmp_path / "none")
    with pytest.raises(EnvironmentNotFound, match="there is no folder"):
        installed(tmp_path, tmp_path / "none", packages=())  # which is said before what the environment lacks


def test_an_environment_without_python(tmp_path: Path, project: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="needs a Python to be installed for"):
        installed(tmp_path, project, packages=())


def test_two_projects_of_one_name(tmp_path: Path, project: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="as another of the projects is"):
        with_projects(environment(), [project, project], cache_dir=tmp_path / "cache", offline=True)


def build(tmp_path: Path, channel: SyntheticChannel, project: Path) -> BuildResult:
    options = BuildOptions(
        cache_dir=tmp_path / "cache", bytecode=Bytecode.NEVER, offline=True, add=[(Path("added"), "/srv")]
    )
    (tmp_path / "environment.yml").write_text(
        f"channels: [{channel.url}, nodefaults]\ndependencies: [python, pip: [plain]]\n"
    )
    request = Request(
        files=(tmp_path / "environment.yml",),
        platforms="linux-64",  # type: ignore[arg-type]
        projects=(project,),
        base="scratch",
        options=options,
    )
    [resolved] = resolve(request)
    return build_image(resolved.environment, None, options)


def test_a_changed_source_file_changes_one_layer(
    tmp_path: Path, synthetic_channel: SyntheticChannel, wheels: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "added").mkdir()
    (tmp_path / "added/x").touch()
    synthetic_channel.add(PYTHON_PACKAGE)
    make_wheel(wheels, "plain")
    before = build(tmp_path, synthetic_channel, project)
    assert [layer.packages for layer in before.layers] == [("python",), ("plain",), ("app",), (), ()]
    (project / "app.py").write_text("answer = 43\n")
    after = build(tmp_path, synthetic_channel, project)
    changed = [old.packages for old, new in zip(before.layers, after.layers, strict=True) if old.digest != new.digest]
    assert changed == [("app",)]


# As setuptools does it: what is left in build/ by an earlier build is packed again.
LITTERING = """
import os
os.makedirs("build", exist_ok=True)
open("build/left.txt", "a").close()
"""


def test_the_folder_of_a_project_is_not_written_to(tmp_path: Path, project: Path) -> None:
    backend = project / "backend.py"
    backend.write_text(backend.read_text() + LITTERING)
    before = sorted(project.rglob("*"))
    installed(tmp_path, project)
    assert sorted(project.rglob("*")) == before


def test_what_an_earlier_build_left_behind_is_not_packed(tmp_path: Path, project: Path) -> None:
    backend = project / "backend.py"
    text = backend.read_text().replace('open("app.py").read()', 'str(os.path.exists("build"))')
    backend.write_text(text)
    clean = installed(tmp_path, project)
    (project / "build").mkdir()
    (project / "build" / "gone.py").touch()
    assert installed(tmp_path / "other", project).wheels[0].sha256 == clean.wheels[0].sha256


@pytest.mark.parametrize("where", ["pyproject.toml", "backend.py"])
def test_a_project_for_another_python_is_refused(tmp_path: Path, project: Path, where: str) -> None:
    if where == "pyproject.toml":
        with (project / where).open("a") as file:
            file.write('requires-python = ">=3.99"\n')
    else:
        # Stated by the wheel alone, as with setup.py.
        path = project / where
        path.write_text(path.read_text().replace("NEEDS = ''", "NEEDS = 'Requires-Python: >=3.99\\n'"))
    with pytest.raises(Unsolvable, match=r"project.* requires Python >=3\.99, and the environment has Python 3\."):
        installed(tmp_path, project)


def test_a_project_for_this_python(tmp_path: Path, project: Path) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'requires-python = ">={PYTHON}"\n')
    assert installed(tmp_path, project).wheels[0].name == "app"


def test_a_requirement_of_python_that_is_none(tmp_path: Path, project: Path) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write('requires-python = "three"\n')
    with pytest.raises(InvalidEnvironment, match=r"pyproject\.toml: requires-python is not a version specifier"):
        installed(tmp_path, project)
