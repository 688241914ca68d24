"""The key of a layer holds all that its bytes depend on, and nothing of the machine."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.build_options import Activate, BuildOptions, Bytecode, Layering, LinkScripts
from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.image.assemble import build_image
from conda_docker.image.plan import recipe_of
from conda_docker.layers.member import Loss
from conda_docker.layers.recipe import Recipe
from conda_docker.link.bytecode.python_program import exact_version, minor_version
from conda_docker.resolution.lock import lock
from python_docker.errors import InvalidPath
from python_docker.spec.platform import Platform
from python_docker.streams.compression import Compression
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage

RECIPE = Recipe("/opt/conda", "3.12", bytecode="3.12.1", exclude=("*.md",))
OTHER = {
    "prefix": "/opt/other",
    "python_version": "3.13",
    "site_packages": "lib/python3.12t/site-packages",
    "bytecode": "3.12.2",
    "compression": Compression.ZSTD,
    "level": 3,
    "trim": True,
    "exclude": ("*.txt",),
    "place": "/var/opt/conda",
}
PACKAGE = package_from_record(
    {
        "name": "a",
        "version": "1",
        "build": "0",
        "url": "https://example.com/channel/noarch/a-1-0.conda",
        "sha256": "a" * 64,
        "md5": "b" * 32,
        "noarch": "python",
    }
)
WHEEL = LockedWheel(name="w", version="1", url="https://example.com/w-1-py3-none-any.whl", sha256="c" * 64)


@pytest.mark.parametrize("name", [field.name for field in fields(Recipe)])
def test_each_field_changes_the_key(name: str) -> None:
    changes: dict[str, Any] = {name: OTHER[name]}
    if name == "python_version":
        changes["site_packages"] = None  # follows from the version
    assert replace(RECIPE, **changes).key([PACKAGE]) != RECIPE.key([PACKAGE])


@pytest.mark.parametrize("name", ["python_version", "site_packages", "bytecode"])
def test_python_does_not_matter_to_packages_without_modules_to_compile(name: str) -> None:
    changes: dict[str, Any] = {"site_packages": None, name: OTHER[name]}
    other = replace(RECIPE, **changes)
    for kind in (None, "generic"):
        package = replace(PACKAGE, noarch=kind)
        assert other.key([package]) == RECIPE.key([package])


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "d" * 64},
        {"md5": "d" * 32},
        {"url": "https://example.org/channel/noarch/a-1-0.conda"},
        {"channel": "https://example.org/channel/"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_recorded_of_a_package_changes_the_key(change: dict[str, Any]) -> None:
    assert RECIPE.key([replace(PACKAGE, **change)]) != RECIPE.key([PACKAGE])


@pytest.mark.parametrize("change", [{"sha256": "d" * 64}, {"requested": True}, {"direct": True}], ids=str)
def test_what_is_recorded_of_a_wheel_changes_the_key(change: dict[str, Any]) -> None:
    assert RECIPE.key([replace(WHEEL, **change)]) != RECIPE.key([WHEEL])


def test_credentials_in_a_url_do_not_matter() -> None:
    secret = replace(PACKAGE, url="https://user:secret@example.com/channel/noarch/a-1-0.conda")
    assert RECIPE.key([secret]) == RECIPE.key([PACKAGE])


def test_order_lost_paths_and_folders_change_the_key() -> None:
    keys = {
        RECIPE.key([PACKAGE, WHEEL]),
        RECIPE.key([WHEEL, PACKAGE]),
        RECIPE.key([PACKAGE, WHEEL], extracted=True),
        RECIPE.key([PACKAGE, WHEEL], lost={PACKAGE.stem: Loss(frozenset({"x"}))}),
        RECIPE.key([PACKAGE, WHEEL], lost={WHEEL.stem: Loss(frozenset({"x"}))}),
        RECIPE.key([PACKAGE, WHEEL], replaced={PACKAGE.stem: ["w"]}),
    }
    assert len(keys) == 6
    assert RECIPE.key([PACKAGE], lost={"another": Loss(frozenset({"x"}))}) == RECIPE.key([PACKAGE], lost={})


def test_a_package_without_a_digest_has_no_key() -> None:
    assert RECIPE.key([PACKAGE, replace(PACKAGE, sha256=None)]) is None


def test_a_recipe_is_checked_where_it_is_made() -> None:
    with pytest.raises(InvalidPath):
        Recipe("opt/conda")
    with pytest.raises(ValueError, match="level"):
        Recipe("/opt/conda", level=99)


def test_spellings_of_one_recipe_are_one_recipe() -> None:
    assert Recipe("/opt/conda/", "3.12.1") == Recipe("/opt/conda", "3.12", "lib/python3.12/site-packages")
    assert Recipe("/opt/conda", level=None) == Recipe("/opt/conda", level=Recipe("/opt/conda").level)


# Another value for each option of a build. All of them are here, so that a new one is thought about.
OPTIONS: dict[str, Any] = {
    "profile": "binder",
    "prefix": "/opt/other",
    "layering": Layering.SINGLE,
    "max_layers": 5,
    "compression": Compression.ZSTD,
    "compression_level": 1,
    "bytecode": Bytecode.NEVER,
    "activate": Activate.NEVER,
    "trim": True,
    "exclude": ("*.md",),
    "env": {"A": "b"},
    "labels": {"a": "b"},
    "annotations": {"a": "b"},
    "frozen": True,
    "entrypoint": ("x",),
    "cmd": ("x",),
    "user": "1000",
    "user_name": "me",
    "home": "/srv/me",
    "sbom_in_image": ("cyclonedx",),
    "link_scripts": LinkScripts.REFUSE,
    "link_scripts_network": True,
    "workdir": "/srv",
    "expose": ("80",),
    "add": ((Path(__file__), "/x"),),
    "chown": "1000",
    "chmod": 0o600,
    "cache_dir": None,
    "use_cache": False,
    "offline": True,
    "use_extracted": True,
    "workers": 1,
    "cache_from": "localhost:1/from",
    "cache_to": "localhost:1/to",
    "verify_cache": 0.5,
}
# They decide which packages share a layer: that is in the key as the list of packages.
SHARING = {"layering", "max_layers"}
# It needs a registry; stores/test_repository.py builds with it and without.
SENDING = {"cache_to"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> LockedEnvironment:
    version = exact_version()
    channel = SyntheticChannel(tmp_path_factory.mktemp("channel"))
    files = {"site-packages/m.py": b"x = 1", "lib/libm.a": b"static", "share/README.md": b"read"}
    channel.add(
        SyntheticPackage(name="python", version=version, files={f"bin/python{minor_version(version)}": b"python"}),
        SyntheticPackage(name="m", noarch="python", depends=("python",), files=files),
    )
    return lock(["m"], channels=[channel.url], override_channels=True, platform=Platform())


def test_the_table_of_options_is_complete() -> None:
    assert OPTIONS.keys() == {field.name for field in fields(BuildOptions)}


@pytest.mark.skipif(os.name != "posix", reason="paths of options are those of POSIX")
@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - SHARING - SENDING))
def test_no_option_that_changes_the_bytes_of_layers_is_missing_from_the_recipe(
    name: str, environment: LockedEnvironment, tmp_path: Path
) -> None:
    given = {} if name == "cache_dir" else {name: OPTIONS[name]}
    if name in ("user_name", "home"):
        given["user"] = OPTIONS["user"]
    if name in ("chown", "chmod"):
        given["add"] = OPTIONS["add"]
    default = BuildOptions(cache_dir=tmp_path / "one")
    changed = replace(default, cache_dir=tmp_path / "two", **given)
    digests = [
        [layer.digest for layer in build_image(environment, None, options).layers if layer.packages]
        for options in (default, changed)
    ]
    recipes = [recipe_of(environment, options.prefix or "/opt/conda", options)[0] for options in (default, changed)]
    keys = [[recipe.key([package]) for package in environment.packages] for recipe in recipes]
    same_key = [one == other for one, other in zip(*keys, strict=True)]
    same_bytes = [one == other for one, other in zip(*digests, strict=True)]
    assert [bytes_ for key, bytes_ in zip(same_key, same_bytes, strict=True) if key] == [True] * sum(same_key)
    # One that changes none of these bytes makes no layer anew, but for those that leave files out.
    assert all(same_key) or not all(same_bytes)
