"""All that is decided about an image before anything is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conda_docker.build_options import BuildOptions, Bytecode, Layering, LinkScripts
from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_record
from conda_docker.environment.packages.wheels import Distribution, LockedWheel
from conda_docker.errors import InterpreterNotFound
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.plan import check_base, created_seconds, plan_image
from python_docker.errors import PlatformNotFound, UnsupportedFormat
from python_docker.image import Image
from python_docker.spec.platform import Platform

AMD64 = Platform("linux", "amd64")


def package(name: str, version: str = "1", **fields: object) -> LockedPackage:
    url = f"https://x.org/c/linux-64/{name}-{version}-0.conda"
    return package_from_record({"name": name, "version": version, "build": "0", "url": url, **fields})


PYTHON = package("python", "3.12.1")
MODULE = package("m", noarch="python", depends=["python"])
ENVIRONMENT = LockedEnvironment("linux-64", (PYTHON, MODULE))


def base(layers: int = 0, **variables: str) -> Image:
    image = Image("base", "1", platform=AMD64)
    for number in range(layers):
        image.add_layer_contents({f"f{number}": b"x"})
    image.config["Env"] += [f"{name}={value}" for name, value in variables.items()]
    return image


def test_modules_are_compiled_by_the_environments_python() -> None:
    plan = plan_image(ENVIRONMENT, None, BaseSystem(), BuildOptions())
    assert (plan.recipe.prefix, plan.recipe.python_version, plan.recipe.bytecode) == ("/opt/conda", "3.12", "3.12.1")
    assert [[member.name for member in group] for group in plan.layers.groups] == [["python"], ["m"]]
    assert plan.notes == ()


def test_without_modules_nothing_is_compiled() -> None:
    plan = plan_image(replace(ENVIRONMENT, packages=(PYTHON,)), None, BaseSystem(), BuildOptions())
    assert plan.recipe.bytecode is None


def test_modules_that_nothing_compiles() -> None:
    environment = replace(ENVIRONMENT, packages=(package("python", "3.12.1", depends=["pypy3.12"]), MODULE))
    plan = plan_image(environment, None, BaseSystem(), BuildOptions())
    assert plan.recipe.bytecode is None
    assert "are not byte-compiled: " in plan.notes[0]
    with pytest.raises(InterpreterNotFound, match="--bytecode always"):
        plan_image(environment, None, BaseSystem(), BuildOptions(bytecode=Bytecode.ALWAYS))


def test_a_base_with_an_environment_gets_another_one() -> None:
    conda = base(PATH="/opt/conda/bin:/bin")
    plan = plan_image(replace(ENVIRONMENT, name="app"), conda, BaseSystem(), BuildOptions())
    assert plan.recipe.prefix == "/opt/conda/envs/app"
    assert "this one lives at /opt/conda/envs/app" in plan.notes[0]
    mixed = plan_image(ENVIRONMENT, conda, BaseSystem(), BuildOptions(prefix="/opt/conda"))
    assert "the environment is mixed with what the base has there" in mixed.notes[0]


def test_a_linked_folder_of_the_base_is_part_of_the_recipe() -> None:
    plan = plan_image(ENVIRONMENT, base(), BaseSystem(links={"opt": "var/opt"}), BuildOptions())
    assert (plan.recipe.prefix, plan.recipe.place) == ("/opt/conda", "/var/opt/conda")


def test_a_base_whose_files_cannot_be_read_is_noted() -> None:
    plan = plan_image(ENVIRONMENT, base(), BaseSystem(problem="layer 1 is not a tar"), BuildOptions())
    assert plan.notes[0].endswith("and engines may refuse it: layer 1 is not a tar")


def test_a_base_for_another_platform() -> None:
    with pytest.raises(PlatformNotFound, match=r"the base image is for linux/amd64, the environment \(linux-aarch64\)"):
        check_base(replace(ENVIRONMENT, subdir="linux-aarch64"), base(), BuildOptions())


@pytest.mark.parametrize(
    ("options", "room"),
    [
        (BuildOptions(max_layers=5), 2),
        (BuildOptions(max_layers=5, link_scripts=LinkScripts.RUN), 1),
        (BuildOptions(max_layers=3), 0),
        (BuildOptions(max_layers=9, layering=Layering.SINGLE), 1),
    ],
)
def test_packages_have_the_layers_that_are_left(options: BuildOptions, room: int) -> None:
    if room == 0:
        with pytest.raises(UnsupportedFormat, match="the base image has 2 layers, which leaves no room"):
            plan_image(ENVIRONMENT, base(2), BaseSystem(), options)
        return
    assert len(plan_image(ENVIRONMENT, base(2), BaseSystem(), options).layers.groups) == room


def test_what_wheels_replace_is_known_by_package() -> None:
    wheel = LockedWheel(name="six", version="1", url="file:///six-1-py3-none-any.whl")
    replaced = tuple(Distribution(name, "0", MODULE.stem) for name in ("six", "seven"))
    environment = replace(ENVIRONMENT, wheels=(wheel,), replaced=replaced)
    plan = plan_image(environment, None, BaseSystem(), BuildOptions())
    assert plan.layers.replaced == {MODULE.stem: ["six", "seven"]}
    assert plan.layers.order == (PYTHON, MODULE, wheel)


def test_the_image_is_as_old_as_its_newest_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    new = package("new", timestamp=1_700_000_000_000)
    assert created_seconds(replace(ENVIRONMENT, packages=(PYTHON, new))) == 1_700_000_000
    assert created_seconds(replace(ENVIRONMENT, packages=())) == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    assert created_seconds(replace(ENVIRONMENT, packages=(new,))) == 5
