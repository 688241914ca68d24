"""What lock files hold, by the readers of those who made their forms."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import rattler
from rattler.lock import CondaLockedBinaryPackage, PypiLockedPackage

from conda_docker.environment.activation_script import ActivationScript
from conda_docker.environment.inputs.lock_files.conda_lock import parse_conda_lock
from conda_docker.environment.inputs.lock_files.own_lock import parse_own_lock
from conda_docker.environment.inputs.lock_files.pixi_lock import parse_pixi_lock
from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_record
from conda_docker.environment.packages.wheels import Distribution, LockedWheel
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.lock_files.conda_lock import conda_lock
from conda_docker.lock_files.own import own_lock
from conda_docker.lock_files.pixi import pixi_lock
from conda_docker.resolution.resolve import Resolved

HOST = "https://conda.example.org/team"


def package(name: str, subdir: str, **fields: object) -> LockedPackage:
    file_name = f"{name}-1.10-h_0.conda"
    record = {
        "name": name,
        "version": "1.10",
        "build": "h_0",
        "build_number": 3,
        "subdir": subdir,
        "url": f"https://me:word@conda.example.org/team/{subdir}/{file_name}",
        "fn": file_name,
        "sha256": "a" * 64,
        "md5": "b" * 32,
        "size": 7,
        "timestamp": 1_700_000_000_000,
        "license": "MIT",
        "depends": ["library >=1,<2"],
    }
    return package_from_record(record | fields)


WHEEL = LockedWheel(
    name="six",
    version="1.10",
    url="https://me:word@pypi.example.org/six-1.10-py3-none-any.whl",
    sha256="c" * 64,
    size=9,
    requires=("idna>=2.5,<4", "x ; extra == 'y'"),
    requested=True,
)
PROJECT = replace(WHEEL, name="mine", project=True)


def environment(subdir: str) -> LockedEnvironment:
    return LockedEnvironment(
        subdir,
        (package("library", "noarch", noarch="python", depends=[]), package("tool", subdir)),
        requested=("tool",),
        channels=(f"{HOST}/",),
        variables={"A": "1"},
        scripts=(ActivationScript("setup.sh", "export B=1\n"),),
        wheels=(WHEEL, PROJECT),
        replaced=(Distribution("six", "1.0", "six-1.0-0"),),
        name="analysis",
    )


ENVIRONMENTS = [environment("linux-64"), environment("linux-aarch64")]


def resolved(found: LockedEnvironment) -> Resolved:
    return Resolved(found, None)


def test_the_own_form_loses_nothing(tmp_path: Path) -> None:
    text = own_lock(list(map(resolved, ENVIRONMENTS)), {"trim": True}, "sha256:x", tmp_path)
    assert "word" not in text
    for before in ENVIRONMENTS:
        after = parse_own_lock(text, subdir=before.subdir)
        assert [each.public_url for each in after.packages] == [each.public_url for each in before.packages]
        assert [dict(each.record) for each in after.packages] == [dict(each.record) for each in before.packages]
        assert after.packages == tuple(
            replace(each, url=each.public_url, record=now.record)
            for each, now in zip(before.packages, after.packages, strict=True)
        )
        assert after.wheels == (replace(WHEEL, url=WHEEL.public_url),)
        for field in ("requested", "channels", "variables", "scripts", "name", "replaced"):
            assert getattr(after, field) == getattr(before, field)
    assert json.loads(text)["inputs"] == {"trim": True}


def test_what_nobody_else_could_have(tmp_path: Path) -> None:
    unknown = replace(environment("linux-64"), packages=(package("x", "linux-64", sha256=None),))
    with pytest.raises(UnsupportedInput, match=r"x-1\.10-h_0\.conda has no SHA-256"):
        own_lock([resolved(unknown)], {}, "", tmp_path)
    path = tmp_path / "cache/built-wheels/key/six-1.10-py3-none-any.whl"
    built = replace(environment("linux-64"), wheels=(replace(WHEEL, url=path.as_uri(), source=path),))
    with pytest.raises(UnsupportedInput, match=r"six 1\.10 was built on this machine"):
        own_lock([resolved(built)], {}, "", tmp_path / "project")


def test_wheels_in_the_folder_are_named_by_their_path(tmp_path: Path) -> None:
    path = tmp_path / "wheels/six-1.10-py3-none-any.whl"
    local = replace(environment("linux-64"), wheels=(replace(WHEEL, url=path.as_uri(), source=path),))
    document = json.loads(own_lock([resolved(local)], {}, "", tmp_path))
    assert document["platforms"][0]["wheels"][0]["path"] == "./wheels/six-1.10-py3-none-any.whl"


def test_rattler_reads_a_pixi_lock(tmp_path: Path) -> None:
    path = tmp_path / "pixi.lock"
    path.write_text(pixi_lock(ENVIRONMENTS, tmp_path))
    found = rattler.LockFile.from_path(path).default_environment()
    assert found is not None
    for platform in found.platforms():
        packages = {each.name: each for each in found.packages(platform) or ()}
        assert sorted(packages) == ["library", "six", "tool"]
        tool, six = packages["tool"], packages["six"]
        assert isinstance(tool, CondaLockedBinaryPackage)
        assert isinstance(six, PypiLockedPackage)
        assert (str(tool.version), tool.location) == ("1.10", f"{HOST}/{platform.name}/tool-1.10-h_0.conda")
        assert tool.package_record is not None
        assert (tool.package_record.sha256, tool.package_record.build_number) == (bytes.fromhex("a" * 64), 3)
        assert six.hashes is not None
        assert (str(six.version), six.hashes.sha256) == ("1.10", bytes.fromhex("c" * 64))


def test_a_pixi_lock_is_read_here_too() -> None:
    after = parse_pixi_lock(pixi_lock(ENVIRONMENTS, Path()), "pixi.lock", subdir="linux-aarch64")
    assert [each.stem for each in after.packages] == ["library-1.10-h_0", "tool-1.10-h_0"]
    assert [(each.name, each.sha256, each.requires) for each in after.wheels] == [("six", "c" * 64, WHEEL.requires)]


def test_a_conda_lock_is_as_conda_lock_has_it() -> None:
    text = conda_lock(ENVIRONMENTS, [Path("environment.yml")], "d" * 64)
    assert "word" not in text
    after = parse_conda_lock(text, subdir="linux-64")
    assert [each.stem for each in after.packages] == ["library-1.10-h_0", "tool-1.10-h_0"]
    assert [each.sha256 for each in after.packages] == ["a" * 64] * 2
    assert [(each.name, each.version, each.sha256) for each in after.wheels] == [("six", "1.10", "c" * 64)]
    assert "library: '>=1,<2'" in text
    assert "idna: '>=2.5,<4'" in text or "idna: '>=2.5,<4'" in text.replace('"', "'")


def test_an_environment_keeps_its_name_in_a_pixi_lock() -> None:
    text = pixi_lock(ENVIRONMENTS, Path(), "prod")
    assert len(parse_pixi_lock(text, subdir="linux-64", environment="prod").packages) == 2
    with pytest.raises(InvalidEnvironment, match="default"):
        parse_pixi_lock(text, subdir="linux-64", environment="default")


def test_a_pixi_lock_names_wheels_in_its_folder_by_their_path(tmp_path: Path) -> None:
    inside, outside = (tmp_path / f"{folder}/six-1.10-py3-none-any.whl" for folder in ("lock/wheels", "wheels"))
    for path, place in ((inside, "./wheels/six-1.10-py3-none-any.whl"), (outside, str(outside))):
        path.parent.mkdir(parents=True)
        path.touch()
        local = replace(environment("linux-64"), wheels=(replace(WHEEL, url=path.as_uri(), source=path),))
        lock = tmp_path / "lock/pixi.lock"
        lock.write_text(pixi_lock([local], lock.parent))
        found = rattler.LockFile.from_path(lock).default_environment()
        assert found is not None
        [six] = [each for each in found.packages(found.platforms()[0]) or () if each.name == "six"]
        assert six.location == place
        [wheel] = parse_pixi_lock(lock.read_text(), subdir="linux-64", folder=lock.parent).wheels
        assert wheel.source == path
