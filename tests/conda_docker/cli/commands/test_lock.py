"""`conda-docker lock`, and builds of what it writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from python_docker.transports import open_source
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import LAYERS, Run
from tests.conda_docker.pypi.wheels import make_wheel
from tests.images import write_oci_layout

PLATFORMS = "linux/amd64,linux/arm64"
SUBDIRS = ("linux-64", "linux-aarch64")


def python(subdir: str) -> SyntheticPackage:
    return SyntheticPackage(name="python", version="3.12.1", subdir=subdir, files={"bin/python3.12": File(b"\x7fELF")})


def tool(version: str) -> SyntheticPackage:
    return SyntheticPackage(
        name="tool", version=version, noarch="generic", depends=("library",), files={"share/tool": version}
    )


def library(version: str) -> SyntheticPackage:
    return SyntheticPackage(name="library", version=version, noarch="generic", files={"share/library": version})


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    synthetic_channel.add(*map(python, SUBDIRS), tool("1.0"), library("1.0"))
    return synthetic_channel


@pytest.fixture
def environment_file(channel: SyntheticChannel, tmp_path: Path) -> Path:
    path = tmp_path / "environment.yml"
    path.write_text(f"channels: [{channel.url}, nodefaults]\ndependencies:\n- python\n- tool\n")
    return path


@pytest.fixture
def with_pip(
    environment_file: Path, tmp_path: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return an environment file that asks pip for a wheel, which an index in a folder has."""
    wheels = tmp_path_factory.mktemp("wheels")
    make_wheel(wheels, "plain")
    with environment_file.open("a") as file:
        file.write("- pip: [plain]\n")
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nno-index = true\nfind-links = {wheels}\n")
    environment |= {"PIP_CONFIG_FILE": str(configuration), "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(tmp_path / "uv")}
    return environment_file


def digest(layout: Path) -> str:
    return str(open_source(f"oci:{layout}").root().digest)


def locked(run: Run, *args: str) -> None:
    done = run("lock", "-b", "scratch", *args)
    assert done.returncode == 0, done.stderr


def built(run: Run, folder: Path, lock: str, *args: str) -> str:
    """Build in another folder with another cache, from a copy of the lock file; return the digest."""
    folder.mkdir()
    shutil.copy(lock, folder / "conda-docker.lock")
    options = ["--cache-dir", str(folder / "cache"), "--bytecode", "never"]
    done = run("build", "-f", "conda-docker.lock", "-o", "oci:out", *options, *args, folder=folder)
    assert done.returncode == 0, done.stderr
    return digest(folder / "out")


@pytest.mark.parametrize("kind", ["conda", "pip"])
@pytest.mark.parametrize("platforms", ["linux/amd64", PLATFORMS])
def test_the_same_digest_everywhere(
    conda_docker: Run, tmp_path: Path, environment_file: Path, request: pytest.FixtureRequest, kind: str, platforms: str
) -> None:
    if kind == "pip":
        request.getfixturevalue("with_pip")
    locked(conda_docker, "-f", "environment.yml", "--platform", platforms, "--env", "A=1", "--exclude", "share/library")
    lock = str(tmp_path / "conda-docker.lock")
    found = {built(conda_docker, tmp_path / f"copy{n}", lock, "--platform", platforms) for n in range(4)}
    options = ["--bytecode", "never", "--env", "A=1", "--exclude", "share/library", "--platform", platforms]
    done = conda_docker("build", "-b", "scratch", "-f", "environment.yml", "-o", "oci:direct", *options)
    assert done.returncode == 0, done.stderr
    assert found == {digest(tmp_path / "direct")}


def test_what_the_command_line_says_wins(conda_docker: Run, tmp_path: Path, environment_file: Path) -> None:
    locked(conda_docker, "-f", "environment.yml", "--env", "A=1")
    lock = str(tmp_path / "conda-docker.lock")
    assert built(conda_docker, tmp_path / "a", lock) != built(conda_docker, tmp_path / "b", lock, "--env", "A=2")


def test_newer_packages_do_not_count(
    conda_docker: Run, tmp_path: Path, environment_file: Path, channel: SyntheticChannel
) -> None:
    locked(conda_docker, "-f", "environment.yml")
    before = built(conda_docker, tmp_path / "a", str(tmp_path / "conda-docker.lock"))
    channel.add(tool("2.0"))
    assert built(conda_docker, tmp_path / "b", str(tmp_path / "conda-docker.lock")) == before


def versions(tmp_path: Path) -> dict[str, str]:
    document = json.loads((tmp_path / "conda-docker.lock").read_text())
    return {package["name"]: package["version"] for package in document["platforms"][0]["packages"]}


def test_update_of_one_package(
    conda_docker: Run, tmp_path: Path, environment_file: Path, channel: SyntheticChannel
) -> None:
    locked(conda_docker, "-f", "environment.yml")
    channel.add(tool("2.0"), library("2.0"))
    done = conda_docker("lock", "--update", "tool")
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path) == {"python": "3.12.1", "tool": "2.0", "library": "1.0"}
    assert conda_docker("lock").returncode == 0
    assert versions(tmp_path) == {"python": "3.12.1", "tool": "2.0", "library": "2.0"}


STATED: dict[str, Any] = {
    "license": "BSD-3-Clause",
    "license_family": "BSD",
    "constrains": ["other >=2"],
    "purls": ["pkg:pypi/tool"],
}


@pytest.mark.parametrize("kind", ["conda", "pip", "patched"])
@pytest.mark.parametrize("updated", ["tool", "library"])
def test_an_update_keeps_all_that_is_said_of_the_other_packages(
    conda_docker: Run,
    tmp_path: Path,
    environment_file: Path,
    channel: SyntheticChannel,
    request: pytest.FixtureRequest,
    kind: str,
    updated: str,
) -> None:
    if kind == "pip":
        request.getfixturevalue("with_pip")
    if kind == "patched":
        for each in (tool("1.0"), library("1.0"), *map(python, SUBDIRS)):
            channel.patch(each, **STATED, track_features="a b", timestamp=1_500_000_000_123)
    locked(conda_docker, "-f", "environment.yml", "--platform", PLATFORMS)
    before = (tmp_path / "conda-docker.lock").read_bytes()
    done = conda_docker("lock", "--update", updated)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "conda-docker.lock").read_bytes() == before


def test_rules_for_licenses_hold_for_packages_that_an_update_keeps(
    conda_docker: Run, environment_file: Path, channel: SyntheticChannel
) -> None:
    channel.patch(library("1.0"), license="BSD-3-Clause")
    locked(conda_docker, "-f", "environment.yml")
    for command in (
        ("lock", "--update", "tool", "--deny-license", "BSD-*"),
        ("lock", "--update", "tool"),
        ("build", "-f", "conda-docker.lock", "-o", "oci:out", "--deny-license", "BSD-*"),
    ):
        done = conda_docker(*command)
        assert ("BSD-3-Clause" in done.stderr, done.returncode != 0) == ("--deny-license" in command,) * 2, done.stderr


def test_update_of_what_is_not_there(conda_docker: Run, environment_file: Path) -> None:
    locked(conda_docker, "-f", "environment.yml")
    done = conda_docker("lock", "--update", "tol")
    assert (done.returncode, "has no package 'tol'; did you mean 'tool'" in done.stderr) == (7, True)


def test_check(conda_docker: Run, environment_file: Path) -> None:
    missing = conda_docker("lock", "--check", "-f", "environment.yml")
    assert (missing.returncode, "there is no lock file conda-docker.lock" in missing.stderr) == (4, True)
    locked(conda_docker, "-f", "environment.yml")
    assert conda_docker("lock", "--check").returncode == 0
    other = conda_docker("lock", "--check", "-f", "environment.yml", "--trim")
    assert (other.returncode, "is not up to date: other options: base, trim" in other.stderr) == (1, True)
    with environment_file.open("a") as file:
        file.write("# changed\n")
    changed = conda_docker("lock", "--check")
    assert (changed.returncode, "a file that it is made from has changed" in changed.stderr) == (1, True)


def test_the_advice_of_a_check_is_the_command(conda_docker: Run, tmp_path: Path, environment_file: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "conda-docker.toml").write_text(
        '[images.app]\nbase = "scratch"\nfile = "environment.yml"\n'
        '[images.web]\nbase = "scratch"\nfile = "environment.yml"\n'
    )
    options = ("-o", "the app.lock", "--target", "app")
    missing = conda_docker("lock", "--check", *options)
    assert "write it with `conda-docker lock -o 'the app.lock' --target app`" in missing.stderr
    locked(conda_docker, *options)
    with environment_file.open("a") as file:
        file.write("# changed\n")
    stale = conda_docker("lock", "--check", "-b", "scratch", *options)
    assert "update it with `conda-docker lock -o 'the app.lock' --target app`" in stale.stderr


def test_a_check_updates_nothing(conda_docker: Run, environment_file: Path) -> None:
    locked(conda_docker, "-f", "environment.yml")
    done = conda_docker("lock", "--check", "--update", "tool")
    assert (done.returncode, "--check and --update are mutually exclusive" in done.stderr) == (2, True)


def test_check_and_update_of_what_is_no_lock_file(conda_docker: Run, environment_file: Path) -> None:
    for command in (("--check",), ("--update", "tool")):
        done = conda_docker("lock", *command, "-f", "environment.yml", "-o", "environment.yml")
        assert (done.returncode, "is not a lock file of conda-docker" in done.stderr) == (7, True)
        for described in (("-f", "environment.yml"), ()):
            done = conda_docker("lock", *command, *described, "-o", "none.lock")
            assert (done.returncode, "there is no lock file none.lock" in done.stderr) == (4, True)


def test_requirements_that_the_file_names_count(conda_docker: Run, tmp_path: Path, with_pip: Path) -> None:
    (tmp_path / "requirements.txt").write_text("plain\n-r more.txt\n")
    (tmp_path / "more.txt").write_text("plain>=0.1\n")
    with_pip.write_text(with_pip.read_text().replace("[plain]", '["-r requirements.txt"]'))
    locked(conda_docker, "-f", "environment.yml")
    assert conda_docker("lock", "--check").returncode == 0
    (tmp_path / "more.txt").write_text("plain>=0.2\n")
    changed = conda_docker("lock", "--check")
    assert (changed.returncode, "a file that it is made from has changed" in changed.stderr) == (1, True)


def test_scripts_of_a_pixi_workspace_count(conda_docker: Run, tmp_path: Path, channel: SyntheticChannel) -> None:
    (tmp_path / "activate.sh").write_text("export A=1\n")
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{channel.url}"]\nplatforms = ["linux-64"]\n'
        '[activation]\nscripts = ["activate.sh"]\n[dependencies]\ntool = "*"\n'
    )
    locked(conda_docker, "-f", "pixi.toml", "--platform", "linux/amd64")
    assert conda_docker("lock", "--check").returncode == 0
    (tmp_path / "activate.sh").write_text("export A=2\n")
    assert conda_docker("lock", "--check").returncode == 1


def test_standard_input(conda_docker: Run, tmp_path: Path, environment_file: Path) -> None:
    locked(conda_docker, "-f", "environment.yml")
    expected = built(conda_docker, tmp_path / "file", str(tmp_path / "conda-docker.lock"))
    text = environment_file.read_text()
    done = conda_docker("lock", "-b", "scratch", "-f", "-", "-o", "piped.lock", input=text)
    assert done.returncode == 0, done.stderr
    assert built(conda_docker, tmp_path / "piped", str(tmp_path / "piped.lock")) == expected
    check = ("lock", "-b", "scratch", "-o", "piped.lock", "--check")
    assert conda_docker(*check, "-f", "-", input=text).returncode == 0
    assert conda_docker(*check, "-f", "-", input=f"{text}- library\n").returncode == 1
    again = conda_docker("lock", "-o", "piped.lock", "--check")
    assert (again.returncode, "was made from standard input" in again.stderr) == (2, True)


def test_standard_output(conda_docker: Run, program: Run, tmp_path: Path, environment_file: Path) -> None:
    locked(conda_docker, "-f", "environment.yml")
    text = (tmp_path / "conda-docker.lock").read_text()
    done = program("lock", "-b", "scratch", "-f", "environment.yml", "-o", "-")
    assert (done.stdout, "linux-64, 3 conda packages" in done.stderr) == (text, True)
    device = tmp_path / "stdout"
    device.symlink_to("/dev/stdout")
    done = program("lock", "-b", "scratch", "-f", "environment.yml", "-o", device)
    assert (done.stdout, device.is_symlink(), Path("/dev/stdout").is_symlink()) == (text, True, True)


def test_a_link_to_a_lock_file_stays_one(conda_docker: Run, tmp_path: Path, environment_file: Path) -> None:
    (tmp_path / "conda-docker.lock").symlink_to("real.lock")
    locked(conda_docker, "-f", "environment.yml")
    assert (tmp_path / "conda-docker.lock").is_symlink()
    assert "tool" in (tmp_path / "real.lock").read_text()


def test_names_to_update_may_have_capitals(
    conda_docker: Run, tmp_path: Path, environment_file: Path, channel: SyntheticChannel
) -> None:
    locked(conda_docker, "-f", "environment.yml")
    channel.add(tool("2.0"))
    assert conda_docker("lock", "--update", "Tool").returncode == 0
    assert versions(tmp_path)["tool"] == "2.0"


def test_the_base_is_the_one_that_was_locked(conda_docker: Run, tmp_path: Path, environment_file: Path) -> None:
    write_oci_layout(tmp_path / "base", LAYERS, tag="v1")
    done = conda_docker("lock", "-f", "environment.yml", "-b", f"oci:{tmp_path}/base")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(tmp_path / "base")
    write_oci_layout(tmp_path / "base", LAYERS[:1], tag="v1")
    changed = conda_docker("build", "-f", "conda-docker.lock", "-o", "oci:out")
    assert (changed.returncode, "and the lock file is for sha256:" in changed.stderr) == (7, True)
    assert conda_docker("build", "-f", "conda-docker.lock", "-b", "scratch", "-o", "oci:out").returncode == 0


@pytest.mark.parametrize("name", ["pixi.lock", "conda-lock.yml"])
def test_forms_of_other_programs(conda_docker: Run, environment_file: Path, name: str) -> None:
    locked(conda_docker, "-f", "environment.yml", "-o", name)
    done = conda_docker("build", "-b", "scratch", "-f", name, "-o", "oci:out")
    assert done.returncode == 0, done.stderr
    for asked in (["--check", "-f", "environment.yml"], ["--check"], ["--update", "tool"]):
        refused = conda_docker("lock", *asked, "-o", name)
        assert (refused.returncode, "does not say what it was made from" in refused.stderr) == (2, True)


@pytest.mark.parametrize("name", ["pixi.lock", "conda-lock.yml"])
def test_what_other_forms_lose_is_said(conda_docker: Run, environment_file: Path, name: str) -> None:
    with environment_file.open("a") as file:
        file.write("variables: {MODE: prod, GREETING: hello}\n")
    done = conda_docker("lock", "-f", "environment.yml", "-b", "scratch", "--env", "A=b", "-o", name)
    assert f"note: {name} has no place for variables (GREETING, MODE), --base, --env: images built from it" in (
        done.stderr
    )
    assert "base" not in done.stdout
    own = conda_docker("lock", "-f", "environment.yml", "-b", "scratch")
    assert ("no place for" in own.stderr, "base scratch" in own.stdout) == (False, True)


def test_a_declared_environment(conda_docker: Run, tmp_path: Path, environment_file: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "conda-docker.toml").write_text(
        'base = "scratch"\nfile = "environment.yml"\ntrim = true\nload = true\n'
    )
    assert conda_docker("lock").returncode == 0
    document = json.loads((tmp_path / "conda-docker.lock").read_text())
    assert document["inputs"] == {"file": "environment.yml", "base": "scratch", "trim": True}
    assert conda_docker("lock", "--check").returncode == 0


def test_an_environment_of_a_pixi_workspace_keeps_its_name(
    conda_docker: Run, tmp_path: Path, channel: SyntheticChannel
) -> None:
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nname = "x"\nchannels = ["{channel.url}"]\nplatforms = ["linux-64"]\n'
        '[dependencies]\npython = "*"\n'
        '[feature.prod.dependencies]\ntool = "*"\n[environments]\nprod = ["prod"]\n'
    )
    options = ["--platform", "linux-64", "--environment", "prod"]
    locked(conda_docker, "-f", "pixi.toml", *options, "-o", "pixi.lock")
    done = conda_docker("build", "-b", "scratch", "-f", "pixi.lock", *options, "-o", "oci:out")
    assert done.returncode == 0, done.stderr
    done = conda_docker("build", "-b", "scratch", "-f", "pixi.toml", *options, "-o", "oci:same")
    assert "pixi.lock is up to date with pixi.toml" in done.stderr
    other = conda_docker("build", "-b", "scratch", "-f", "pixi.toml", "--platform", "linux-64", "-o", "oci:other")
    assert "pixi.lock is not up to date with pixi.toml" in other.stderr


@pytest.mark.parametrize(
    ("name", "before", "reason"),
    [
        ("environment.yml", None, "environment.yml is what is to be locked"),
        ("notes.txt", "notes", "notes.txt is not a lock file of conda-docker"),
        ("pixi.lock", "notes", "pixi.lock is not a pixi lock file"),
        ("conda-lock.yml", "version: 1", "conda-lock.yml is not a conda-lock lock file"),
        (
            "pixi.lock",
            "version: 6\nenvironments:\n  prod: {}\npackages: []\n",
            "pixi.lock has other environments: prod",
        ),
    ],
)
def test_other_files_are_not_replaced(
    conda_docker: Run, tmp_path: Path, environment_file: Path, name: str, before: str | None, reason: str
) -> None:
    path = tmp_path / name
    if before is not None:
        path.write_text(before)
    before = path.read_text()
    refused = conda_docker("lock", "-b", "scratch", "-f", "environment.yml", "-o", name)
    assert (refused.returncode, path.read_text()) == (7, before)
    assert f"{reason}; name another file with -o, or replace it with --force" in refused.stderr
    locked(conda_docker, "-f", "environment.yml", "-o", name, "--force")
    assert path.read_text() != before


def test_rules_are_not_replaced_by_a_lock_file(conda_docker: Run, tmp_path: Path, environment_file: Path) -> None:
    (tmp_path / "rules.toml").write_text("require-hash = true\n")
    rules = ["--policy", "rules.toml", "-o", "rules.toml", "--force"]
    done = conda_docker("lock", "-b", "scratch", "-f", "environment.yml", *rules)
    assert (done.returncode, (tmp_path / "rules.toml").read_text()) == (2, "require-hash = true\n")
    assert "--output rules.toml would overwrite an input: --policy rules.toml" in done.stderr


@pytest.mark.parametrize("name", ["conda-docker.lock", "pixi.lock", "conda-lock.yml"])
def test_a_lock_file_of_the_same_form_is_replaced(conda_docker: Run, environment_file: Path, name: str) -> None:
    for _ in range(2):
        locked(conda_docker, "-f", "environment.yml", "-o", name)


def test_an_environment_with_packages_that_have_no_wheel(
    conda_docker: Run, tmp_path: Path, channel: SyntheticChannel
) -> None:
    record = channel.locked(library("1.0"))
    meta = tmp_path / "env/conda-meta" / f"{record.stem}.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({**record.record, "url": record.url}))
    origin = tmp_path / "env/lib/python3.12/site-packages/mine-1.dist-info/direct_url.json"
    origin.parent.mkdir(parents=True)
    origin.write_text(json.dumps({"url": tmp_path.as_uri(), "dir_info": {}}))
    refused = conda_docker("lock", "-b", "scratch", "-p", "env")
    assert (refused.returncode == 0, (tmp_path / "conda-docker.lock").exists()) == (False, False)
    assert "mine==1" in refused.stderr
    locked(conda_docker, "-p", "env", "--only-packages")


def test_a_folder_is_not_where_a_lock_file_goes(conda_docker: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    result = conda_docker("lock", "-o", "folder", "-b", "scratch", "a")
    assert result.returncode == 2
    assert result.stderr.startswith("error: cannot write folder: it is a folder; name a file in it\n")
