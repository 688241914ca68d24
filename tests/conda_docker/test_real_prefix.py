"""A real environment on this machine, with what pip and uv installed and a user changed, as an image."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rattler

from conda_docker.build_options import BuildOptions
from conda_docker.channels.rattler_engine import run
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.pypi.pip_configuration import read_pip_configuration
from conda_docker.pypi.resolve.uv import uv_environment, uv_program
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from demo.base import make_base
from demo.channel import RealChannel
from python_docker.transports import write_image
from tests.conda_docker.pypi.wheels import make_wheel
from tests.peers import Program
from tests.peers.rootfs import run_in_bwrap, unpack_image

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
SITE = f"lib/python{MINOR}/site-packages"
ELSEWHERE = "/srv/a/much/longer/place/for/an/environment/than/the/one/it/was/made/in"

Seen = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefix")


@pytest.fixture(scope="module")
def prefix(real_channel: RealChannel, folder: Path) -> Path:
    """Return an environment that rattler made, then uv and pip added to, then a user changed."""
    prefix = folder / "env"
    system = [package.into_generic() for package in rattler.VirtualPackage.detect()]
    platforms = [rattler.Subdir(subdir) for subdir in (real_channel.subdir, "noarch")]
    solved = run(lambda: rattler.solve([real_channel.url], ["flask"], platforms=platforms, virtual_packages=system))
    run(lambda: rattler.install(solved, prefix, cache_dir=folder / "rattler", show_progress=False))
    python = str(prefix / "bin/python")
    source = write_sources(folder / "mine", "mine", "def main():\n    print('editable', __file__)\n")
    (source / ".env").write_text("TOKEN=secret\n")
    repository = write_sources(folder / "fromgit", "fromgit", "def main():\n    print('from git', __file__)\n")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    data = make_wheel(folder, "withdata", files={"withdata.py": "", "withdata-1.0.data/data/share/with/data": "data"})
    wanted = ["pip", "black", "-e", str(source), str(data), f"git+{repository.as_uri()}"]
    uv = [uv_program(), "pip", "install", "-q", "--python", python, *wanted]
    # As pip is configured here: uv has neither its index nor its certificates by itself.
    subprocess.run(uv, check=True, env=uv_environment(read_pip_configuration()))
    pip = [python, "-m", "pip", "install", "-q", "--root-user-action", "ignore", "six", "zope.interface"]
    subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
    with (prefix / SITE / "flask/app.py").open("a") as file:
        file.write("\nEDITED = 'edited'\n")
    write(prefix / "bin/own", f"#!{prefix}/bin/python\nimport flask.app\nprint(flask.app.EDITED)\n").chmod(0o755)
    write(prefix / SITE / "extra.pth", f"{prefix}/share/extra\n")
    write(prefix / "share/extra/extra.py", "X = 1\n")
    write(prefix / ".netrc", "machine host password secret\n")
    (prefix / SITE / "jinja2/sandbox.py").unlink()
    (prefix / "bin/link").symlink_to(prefix / "bin/own")
    return prefix


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_sources(folder: Path, name: str, code: str) -> Path:
    """Write the folder of a project that installs a module and a command of its name; gives the folder."""
    write(folder / "src" / name / "__init__.py", code)
    backend = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    project = f'[project]\nname = "{name}"\nversion = "0.1"\n[project.scripts]\n{name} = "{name}:main"\n'
    write(folder / "pyproject.toml", backend + project)
    return folder


def build(prefix: Path, folder: Path, place: str | None = None, *, only_packages: bool = False) -> BuildResult:
    options = BuildOptions(cache_dir=folder / "cache", prefix=place)
    request = Request(prefix=prefix, base=f"oci:{make_base()}", options=options, only_packages=only_packages)
    [resolved] = resolve(request)
    return build_image(resolved.environment, resolved.base, options)


@pytest.fixture(scope="module")
def built(prefix: Path, folder: Path) -> BuildResult:
    return build(prefix, folder)


def unpacked(built: BuildResult, umoci: Program, folder: Path) -> Path:
    built.image.name, built.image.tag = "prefix", "v1"
    write_image(built.image, f"oci:{folder / 'layout'}:v1")
    return unpack_image(umoci, folder / "layout", "v1", folder / "bundle")


@pytest.mark.parametrize("place", ["/opt/conda", ELSEWHERE])
def test_everything_runs_in_another_folder(
    prefix: Path, built: BuildResult, folder: Path, place: str, umoci: Program, tmp_path: Path
) -> None:
    result = built if place == "/opt/conda" else build(prefix, folder, place)
    root = unpacked(result, umoci, tmp_path)

    def seen(*command: str) -> str:
        return run_in_bwrap(root, *command, env={"PATH": f"{place}/bin:/usr/bin:/bin"}).stdout.strip()

    assert seen("own") == "edited"
    assert seen("link") == "edited"
    assert seen("mine") == f"editable {place}/src/mine/src/mine/__init__.py"
    assert seen("fromgit") == f"from git {place}/{SITE}/fromgit/__init__.py"
    assert "compiled: yes" in seen("black", "--version")
    program = "import extra, six, withdata, zope.interface, importlib.util as u; print(u.find_spec('jinja2.sandbox'))"
    assert seen("python", "-c", program) == "None"
    assert seen("pip", "check") == "No broken requirements found."
    assert (root / place[1:] / "share/with/data").read_text() == "data"
    named = subprocess.run(["grep", "-rlF", str(prefix), str(root)], capture_output=True, text=True, check=False)
    assert named.stdout == ""
    secret = subprocess.run(["grep", "-rlF", "TOKEN=secret", str(root)], capture_output=True, text=True, check=False)
    assert secret.stdout == ""
    shutil.rmtree(tmp_path / "bundle")


def test_what_is_copied_is_named_by_kind(built: BuildResult, prefix: Path, folder: Path) -> None:
    notes = "\n".join(built.notes)
    assert f"4 files of the prefix that no package brings are copied: bin/link, bin/own, {SITE}/extra.pth" in notes
    assert f"is copied as it is: {SITE}/flask/app.py" in notes
    assert "since no wheel holds the same files: fromgit==0.1" in notes
    assert f"its folder {folder}/mine is copied to src/mine" in notes
    assert f"deleted, as they are missing from the environment: {SITE}/jinja2/sandbox.py" in notes
    assert "left out for the credentials in them: .netrc, src/mine/.env" in notes


def test_what_has_a_wheel_becomes_its_layer(built: BuildResult) -> None:
    layers = [name for layer in built.layers for name in layer.packages]
    assert {"six", "black", "zope-interface", "withdata", "pip", "flask"} <= set(layers)
    assert not {"mine", "fromgit"} & set(layers)


def test_an_unchanged_prefix_makes_no_layer_anew(built: BuildResult, prefix: Path, folder: Path) -> None:
    again = build(prefix, folder)
    assert again.image.digest == built.image.digest
    assert [layer.cached for layer in again.layers] == [True] * (len(again.layers) - 1) + [False]
    own = prefix / "bin/own"
    text, times = own.read_text(), (own.stat().st_atime_ns, own.stat().st_mtime_ns)
    own.write_text(text.replace("EDITED", "EDITee"))
    os.utime(own, ns=times)  # of the same size, too
    changed = build(prefix, folder)
    assert changed.image.digest != built.image.digest
    assert [layer.cached for layer in changed.layers[-3:]] == [True, False, False]
    own.write_text(text)
    os.utime(own, ns=times)
    assert build(prefix, folder).image.digest == built.image.digest


def test_only_packages(prefix: Path, folder: Path) -> None:
    paths = set(build(prefix, folder, only_packages=True).image.list_files())
    assert "opt/conda/src/mine/src/mine/__init__.py" in paths
    assert f"opt/conda/{SITE}/fromgit/__init__.py" in paths
    assert not {"opt/conda/bin/own", "opt/conda/share/extra/extra.py"} & paths
    assert f"opt/conda/{SITE}/jinja2/sandbox.py" in paths


def test_the_same_prefix_gives_the_same_image(prefix: Path, built: BuildResult, tmp_path: Path) -> None:
    assert build(prefix, tmp_path).image.digest == built.image.digest


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to make a folder that root alone may write in")
def test_a_prefix_that_cannot_be_written_to(prefix: Path, built: BuildResult, folder: Path, tmp_path: Path) -> None:
    for path in [prefix, *prefix.iterdir()]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert build(prefix, folder).image.digest == built.image.digest
    finally:
        for path in [prefix, *prefix.iterdir()]:
            path.chmod(path.stat().st_mode | 0o200)


def test_pip_leaves_a_frozen_environment_as_it_is(prefix: Path, folder: Path, umoci: Program, tmp_path: Path) -> None:
    options = BuildOptions(cache_dir=folder / "cache", frozen=True)
    [resolved] = resolve(Request(prefix=prefix, base=f"oci:{make_base()}", options=options))
    root = unpacked(build_image(resolved.environment, resolved.base, options), umoci, tmp_path)
    done = run_in_bwrap(root, "/opt/conda/bin/python", "-m", "pip", "uninstall", "-y", "six", check=False)
    assert done.returncode != 0
    assert "externally-managed-environment" in done.stderr
    assert "build the image anew" in done.stderr
    shutil.rmtree(tmp_path / "bundle")
