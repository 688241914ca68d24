from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.locked import LockedEnvironment, LockedPackage
from conda_docker.environment.packages.wheels import Distribution, LockedWheel, PipOption, PipRequirements
from conda_docker.errors import InvalidEnvironment, InvalidPackage, Unsolvable, UnsupportedInput
from conda_docker.pypi.resolve.resolution import PipOptions
from conda_docker.pypi.resolve.resolve import resolve_wheels
from tests.conda_docker.pypi.conftest import conda_package
from tests.conda_docker.pypi.wheels import make_wheel

PYTHON = conda_package("python", "3.12.4", "h0_0_cpython")


def resolve(
    tmp_path: Path,
    *requirements: str,
    packages: tuple[LockedPackage, ...] = (),
    folder: Path | None = None,
    options: tuple[PipOption, ...] = (),
    constraints: tuple[str, ...] = (),
    **allowed: Any,
) -> LockedEnvironment:
    pip = PipRequirements(
        requirements=requirements, folder=folder, options=options, constraints=constraints, origin="environment.yml"
    )
    environment = LockedEnvironment("linux-64", (PYTHON, *packages), pip=pip)
    return resolve_wheels(
        environment, cache_dir=tmp_path / "cache", glibc="2.36", offline=True, options=PipOptions(**allowed)
    )


def stems(environment: LockedEnvironment) -> list[str]:
    return [wheel.stem for wheel in environment.wheels]


def test_wheels_for_the_image_are_chosen_with_hash_and_size(wheels: Path, tmp_path: Path) -> None:
    compiled = make_wheel(
        wheels, "fast", tag="cp312-cp312-manylinux_2_28_x86_64", requires=["slow>=1; python_version>'3'"]
    )
    make_wheel(wheels, "fast", tag="cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(wheels, "fast", tag="cp312-cp312-manylinux_2_28_aarch64")
    make_wheel(wheels, "slow", requires=["never; sys_platform == 'win32'"])
    found = resolve(tmp_path, "fast")
    assert stems(found) == ["slow-1.0-py3-none-any", compiled.name.removesuffix(".whl")]
    fast = found.wheels[1]
    assert (fast.requested, fast.direct, fast.size, found.wheels[0].requested) == (
        True,
        False,
        compiled.stat().st_size,
        False,
    )
    assert fast.sha256 is not None
    assert found.pip is None


def test_an_extra_that_there_is_not_is_warned_of(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "app")
    found = resolve(tmp_path, "app[nosuchextra]")
    assert stems(found) == ["app-1.0-py3-none-any"]
    assert found.warnings == ("app has no extra 'nosuchextra', which environment.yml asks for",)


def test_what_conda_brings_is_not_installed_again(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "app", requires=["numpy>=1.20"])
    make_wheel(wheels, "numpy", "2.0")
    numpy = conda_package("numpy", "1.26.4", "py312_0", depends=["python >=3.12"])
    assert stems(resolve(tmp_path, "app", "numpy", packages=(numpy,))) == ["app-1.0-py3-none-any"]


def test_a_version_that_fits_what_conda_brings_is_chosen(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "app", "1.0", requires=["numpy<2"])
    make_wheel(wheels, "app", "2.0", requires=["numpy>=2"])
    numpy = conda_package("numpy", "1.26.4", "py312_0", depends=["python >=3.12"])
    assert stems(resolve(tmp_path, "app", packages=(numpy,))) == ["app-1.0-py3-none-any"]


def test_requirements_that_contradict_each_other_are_named_with_their_lines(wheels: Path, tmp_path: Path) -> None:
    for version in ("1", "2"):
        make_wheel(wheels, "app", version)
    places = {"App==1": "environment.yml, line 4", "app==2": "environment.yml, line 5", "other": "x"}
    pip = PipRequirements(requirements=("App==1", "app==2"), origin="environment.yml", places=places)
    with pytest.raises(Unsolvable) as caught:
        resolve_wheels(LockedEnvironment("linux-64", (PYTHON,), pip=pip), cache_dir=tmp_path, offline=True)
    said = str(caught.value).splitlines()
    assert said[-2:] == ["environment.yml, line 4: App==1", "environment.yml, line 5: app==2"]


def test_a_requirement_that_contradicts_conda_names_both(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "numpy", "2.0")
    numpy = conda_package("numpy", "1.26.4", "py312_0", depends=["python >=3.12"])
    with pytest.raises(Unsolvable) as caught:
        resolve(tmp_path, "numpy>=2", packages=(numpy,))
    message = str(caught.value)
    assert "you require numpy>=2" in message
    assert "numpy 1.26.4 comes with the conda package numpy-1.26.4-py312_0" in message
    assert "--pip-may-replace" in message


def test_a_pin_that_contradicts_conda_is_not_said_to_be_missing(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "numpy", "1.26.4")
    numpy = conda_package("numpy", "2.1.0", "py312_0", depends=["python >=3.12"])
    with pytest.raises(Unsolvable) as caught:
        resolve(tmp_path, "numpy==1.26.4", packages=(numpy,))
    said = str(caught.value).splitlines()
    assert said[1] == "numpy 2.1.0 comes with the conda package numpy-2.1.0-py312_0"
    assert "contradicts numpy==1.26.4" in said[2]
    assert "there is no version" not in str(caught.value)


def test_a_wheel_may_replace_what_conda_brings(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "numpy", "2.0")
    make_wheel(wheels, "app", requires=["other"])
    make_wheel(wheels, "other", "9")
    packages = tuple(conda_package(name, "1.0", "py312_0", depends=["python"]) for name in ("numpy", "other"))
    found = resolve(tmp_path, "numpy>=2", "app", packages=packages, may_replace=True)
    assert stems(found) == ["app-1.0-py3-none-any", "numpy-2.0-py3-none-any"]
    assert found.warnings == ("the wheel of numpy replaces version 1.0 of the conda package numpy-1.0-py312_0",)


def test_a_local_wheel_is_found_from_the_folder_of_the_file(wheels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "dist").mkdir(parents=True)
    path = make_wheel(folder / "dist", "local-app", requires=["slow"])
    make_wheel(wheels, "slow")
    found = resolve(tmp_path, "./dist/local_app-1.0-py3-none-any.whl", folder=folder)
    app = found.wheels[-1]
    assert (app.name, app.direct, app.requested, app.source) == ("local-app", True, True, path)


def test_a_damaged_local_wheel_is_named(wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "six-1.0-py3-none-any.whl").write_text("junk")
    with pytest.raises(InvalidPackage, match=r"environment\.yml name is damaged:\n.*six-1\.0-py3-none-any\.whl"):
        resolve(tmp_path, "./six-1.0-py3-none-any.whl", folder=tmp_path)


def test_a_local_wheel_of_what_conda_brings_is_refused(wheels: Path, tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "numpy", "2.0")
    numpy = conda_package("numpy", "1.26.4", "py312_0", depends=["python >=3.12"])
    with pytest.raises(UnsupportedInput, match=r"numpy, which comes with the conda package numpy-1\.26\.4-py312_0"):
        resolve(tmp_path, str(path), packages=(numpy,))
    replaced = resolve(tmp_path, str(path), packages=(numpy,), may_replace=True)
    assert stems(replaced) == ["numpy-2.0-py3-none-any"]


def test_constraints_and_options_count(wheels: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for version in ("1.0", "2.0"):
        make_wheel(other, "elsewhere", version)
    found = resolve(
        tmp_path,
        "elsewhere",
        folder=tmp_path,
        options=(PipOption("find-links", "./other"),),
        constraints=("elsewhere<2",),
    )
    assert stems(found) == ["elsewhere-1.0-py3-none-any"]


def test_hashes_in_requirements_choose_the_file(wheels: Path, tmp_path: Path) -> None:
    compiled = make_wheel(wheels, "fast", tag="cp312-cp312-manylinux_2_28_x86_64")
    pure = make_wheel(wheels, "fast")
    one, other = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (compiled, pure))
    assert resolve(tmp_path, f"fast==1.0 --hash=sha256:{other}").wheels[0].sha256 == other
    assert resolve(tmp_path, f"fast==1.0 --hash=sha256:{other} --hash=sha256:{one}").wheels[0].sha256 == one
    with pytest.raises(InvalidEnvironment, match=r"no file of fast 1\.0 .* \(--hash\)"):
        resolve(tmp_path, f"fast==1.0 --hash=sha256:{'0' * 64}")


@pytest.mark.parametrize("option", [(), (PipOption("require-hashes"),)])
def test_one_hash_demands_those_of_all_packages(wheels: Path, tmp_path: Path, option: tuple[PipOption, ...]) -> None:
    app = make_wheel(wheels, "app", requires=["other"])
    make_wheel(wheels, "other")
    digest = hashlib.sha256(app.read_bytes()).hexdigest()
    with pytest.raises(InvalidEnvironment, match=r"there is none for other==1\.0; list each"):
        resolve(tmp_path, f"app==1.0 --hash=sha256:{digest}", options=option)


def test_hashes_may_be_required_where_there_are_none(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "app")
    with pytest.raises(InvalidEnvironment, match=r"there is none for app==1\.0; list each"):
        resolve(tmp_path, "app", options=(PipOption("require-hashes"),))


def test_what_may_not_be_a_wheel_must_be_built(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "app")
    with pytest.raises(UnsupportedInput, match=r"built from source: --no-binary app; allow it with --allow-sdist"):
        resolve(tmp_path, "app", options=(PipOption("no-binary", "app"),))
    with pytest.raises(Unsolvable):
        resolve(tmp_path, "app", options=(PipOption("no-binary", "app"),), allow_sdist=True)
    assert stems(resolve(tmp_path, "app", options=(PipOption("no-binary", "app"), PipOption("no-binary", ":none:"))))


def test_what_nothing_needs_need_not_be_built(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "app")
    assert stems(resolve(tmp_path, "app", options=(PipOption("no-binary", "other"),)))


def test_building_everything_is_refused_by_name(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInput, match="name the packages to build, as in --no-binary NAME"):
        resolve(tmp_path, "app", options=(PipOption("no-binary", ":all:"),), allow_sdist=True)


def test_conflicting_pins_end_in_one_message(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "app", requires=["slow==1"])
    make_wheel(wheels, "slow", "1")
    make_wheel(wheels, "slow", "2")
    with pytest.raises(Unsolvable, match=r"(?s)environment\.yml cannot be met for Python 3\.12\.4 .*slow==1"):
        resolve(tmp_path, "app", "slow==2")


def test_an_unknown_package_is_named(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(Unsolvable, match=r"no package index that is configured has nowhere-to-be-found"):
        resolve(tmp_path, "nowhere-to-be-found")


def test_a_package_without_a_fitting_wheel_says_what_to_write(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "fast", tag="cp311-cp311-manylinux_2_28_x86_64")
    with pytest.raises(Unsolvable, match=r"fast has no wheel for Python 3\.12\.4 on x86_64 .*--allow-sdist"):
        resolve(tmp_path, "fast")


@pytest.mark.parametrize("requirement", ["-e .", "git+https://example.com/a.git", "./", "app @ file:///a/app-1.tar.gz"])
def test_what_must_be_built_is_refused_by_name(wheels: Path, tmp_path: Path, requirement: str) -> None:
    with pytest.raises(UnsupportedInput, match="must be built from source") as caught:
        resolve(tmp_path, requirement, folder=tmp_path)
    assert requirement in str(caught.value)
    assert "--allow-sdist" in str(caught.value)


def test_without_python_the_message_says_to_add_it(tmp_path: Path) -> None:
    environment = LockedEnvironment(
        "linux-64", (), pip=PipRequirements(requirements=("six",), origin="environment.yml")
    )
    with pytest.raises(InvalidEnvironment, match=r"environment\.yml .* add python and pip"):
        resolve_wheels(environment, cache_dir=tmp_path)


def test_an_environment_without_requirements_stays_as_it_is(tmp_path: Path) -> None:
    environment = LockedEnvironment("linux-64", ())
    assert resolve_wheels(environment, cache_dir=tmp_path) is environment


def test_no_error_shows_a_login(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="six") as caught:
        resolve(tmp_path, "six @ https://me:secret@127.0.0.1:9/six-1.17.0-py2.py3-none-any.whl")
    assert "secret" not in str(caught.value)


def locked_environment(*wheels: LockedWheel, packages: tuple[LockedPackage, ...] = (PYTHON,)) -> LockedEnvironment:
    return LockedEnvironment("linux-64", packages, wheels=wheels)


def test_wheels_of_a_lock_file_are_put_in_order_and_need_nothing(tmp_path: Path) -> None:
    b, a = (LockedWheel(name=name, version="1", url=f"https://example.com/{name}-1-py3-none-any.whl") for name in "ba")
    asked = replace(a, requested=True)
    assert resolve_wheels(locked_environment(asked, b), cache_dir=tmp_path).wheels == (b, asked)


def test_a_locked_wheel_replaces_what_the_record_of_a_conda_package_states(tmp_path: Path) -> None:
    wheel = LockedWheel(name="numpy", version="2", url="https://example.com/numpy-2-py3-none-any.whl")
    numpy = conda_package("numpy", "1.26.4", "py312_0", depends=["python"])
    found = resolve_wheels(locked_environment(wheel, packages=(PYTHON, numpy)), cache_dir=tmp_path)
    assert found.replaced == (Distribution("numpy", "1.26.4", numpy.stem),)


def test_a_locked_source_distribution_is_refused_by_name(tmp_path: Path) -> None:
    source = LockedWheel(name="docopt", version="0.6.2", url="https://example.com/docopt-0.6.2.tar.gz")
    with pytest.raises(UnsupportedInput, match=r"docopt 0\.6\.2 is locked as a source distribution .*--allow-sdist"):
        resolve_wheels(locked_environment(source), cache_dir=tmp_path)


def test_a_locked_wheel_stays_when_requirements_are_resolved_too(wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "slow", "1")
    make_wheel(wheels, "app", requires=["slow"])
    locked = LockedWheel(name="slow", version="1", url="https://example.com/slow-1-py2.py3-none-any.whl")
    pip = PipRequirements(requirements=("app",), constraints=("slow==1",), origin="pixi.lock")
    environment = replace(locked_environment(locked), pip=pip)
    found = resolve_wheels(environment, cache_dir=tmp_path / "cache", offline=True)
    assert found.wheels[0] == locked
    assert stems(found) == ["slow-1-py2.py3-none-any", "app-1.0-py3-none-any"]


def test_wheels_of_a_lock_file_need_python_too(tmp_path: Path) -> None:
    wheel = LockedWheel(name="six", version="1", url="https://example.com/six-1-py3-none-any.whl")
    with pytest.raises(InvalidEnvironment, match="add python and pip"):
        resolve_wheels(locked_environment(wheel, packages=()), cache_dir=tmp_path)


def test_a_free_threaded_python_gets_its_own_wheels(wheels: Path, tmp_path: Path) -> None:
    for abi, platform in (("cp314t", "x86_64"), ("cp314", "x86_64"), ("cp314t", "aarch64")):
        make_wheel(wheels, "fast", tag=f"cp314-{abi}-manylinux_2_28_{platform}", requires=["other; os_name == 'nt'"])
    make_wheel(wheels, "other")
    python = conda_package("python", "3.14.1", "h0_100_cp314t")
    pip = PipRequirements(requirements=("fast",), origin="environment.yml")
    environment = LockedEnvironment("linux-64", (python,), pip=pip)
    found = resolve_wheels(environment, cache_dir=tmp_path / "cache", glibc="2.36", offline=True)
    assert stems(found) == ["fast-1.0-cp314-cp314t-manylinux_2_28_x86_64"]


def test_pypy_gets_its_own_wheels(wheels: Path, tmp_path: Path) -> None:
    for tag in ("pp39-pypy39_pp73", "cp39-cp39"):
        make_wheel(
            wheels, "fast", tag=f"{tag}-manylinux_2_17_x86_64", requires=["cffi; implementation_name=='cpython'"]
        )
    python = conda_package("python", "3.9.18", "0_73_pypy")
    pip = PipRequirements(requirements=("fast",), origin="environment.yml")
    environment = LockedEnvironment("linux-64", (python,), pip=pip)
    make_wheel(wheels, "cffi")
    found = resolve_wheels(environment, cache_dir=tmp_path / "cache", glibc="2.36", offline=True)
    assert stems(found) == ["fast-1.0-pp39-pypy39_pp73-manylinux_2_17_x86_64"]


def test_pypy_gets_the_newest_version_that_has_a_wheel_for_it(wheels: Path, tmp_path: Path) -> None:
    for version in ("1.0", "2.0", "3.0"):
        make_wheel(wheels, "fast", version, tag="cp39-cp39-manylinux_2_17_x86_64")
    make_wheel(wheels, "fast", "1.0", tag="pp39-pypy39_pp73-manylinux_2_17_x86_64")
    python = conda_package("python", "3.9.18", "0_73_pypy")

    def found(requirement: str) -> LockedEnvironment:
        pip = PipRequirements(requirements=(requirement,), origin="environment.yml")
        environment = LockedEnvironment("linux-64", (python,), pip=pip)
        return resolve_wheels(environment, cache_dir=tmp_path / "cache", glibc="2.36", offline=True)

    assert stems(found("fast")) == ["fast-1.0-pp39-pypy39_pp73-manylinux_2_17_x86_64"]
    with pytest.raises(UnsupportedInput, match=r"fast has no wheel for PyPy 3\.9\.18 .*--allow-sdist"):
        found("fast>=2")


@pytest.mark.parametrize("host", ["linux", "darwin", "win32"])
@pytest.mark.parametrize(("subdir", "processor"), [("linux-64", "x86_64"), ("linux-aarch64", "aarch64")])
def test_wheels_are_for_the_image_and_not_for_the_host(
    host: str, subdir: str, processor: str, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platforms = ("macosx_11_0_arm64", "macosx_10_9_x86_64", "win_amd64", "win_arm64", "musllinux_1_2_x86_64")
    for platform in (*platforms, "manylinux_2_28_x86_64", "manylinux_2_28_aarch64"):
        make_wheel(wheels, "fast", tag=f"cp312-cp312-{platform}", requires=["never; sys_platform != 'linux'"])
    monkeypatch.setattr("sys.platform", host)
    pip = PipRequirements(requirements=(f"fast; platform_machine == '{processor}'",), origin="environment.yml")
    environment = LockedEnvironment(subdir, (PYTHON,), pip=pip)
    found = resolve_wheels(environment, cache_dir=tmp_path / "cache", glibc="2.36", offline=True)
    assert stems(found) == [f"fast-1.0-cp312-cp312-manylinux_2_28_{processor}"]
