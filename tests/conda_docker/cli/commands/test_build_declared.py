"""`conda-docker build` of what a file declares, and `conda-docker init`."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.transports import open_image
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import Run

PYTHON = SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": File(b"python", mode=0o755)})


@pytest.fixture
def project(synthetic_channel: SyntheticChannel, tmp_path: Path) -> Path:
    """Return a folder with an environment.yml and a conda-docker.toml that declares two images."""
    synthetic_channel.add(PYTHON)
    (tmp_path / ".git").mkdir()
    (tmp_path / "environment.yml").write_text(
        f"channels: [{synthetic_channel.url}, nodefaults]\ndependencies: [python]"
    )
    (tmp_path / "conda-docker.toml").write_text(
        'base = "scratch"\nfile = "environment.yml"\nenv = {MODE = "common"}\n'
        '[images.app]\nimage = "app:1"\noutput = "oci:app"\n'
        '[images.dev]\nextends = "app"\noutput = "oci:dev"\nenv = {MODE = "dev"}\n'
    )
    return tmp_path


def mode(layout: Path) -> str:
    return open_image(f"oci:{layout}").config.environment["MODE"]


def test_build_alone_builds_all(conda_docker: Run, project: Path) -> None:
    done = conda_docker("build")
    assert done.returncode == 0, done.stderr
    assert "options are from" in done.stderr
    assert done.stdout.count("\n\nimage ") == 1
    assert (mode(project / "app"), mode(project / "dev")) == ("common", "dev")


def test_one_image_with_an_option_of_the_command_line(conda_docker: Run, project: Path) -> None:
    done = conda_docker("build", "--target", "dev", "--env", "MODE=mine")
    assert done.returncode == 0, done.stderr
    assert mode(project / "dev") == "mine"
    assert not (project / "app").exists()


def test_without_what_is_declared(conda_docker: Run, project: Path) -> None:
    done = conda_docker("build", "--no-config")
    assert done.returncode == 2
    assert "say where the image goes" in done.stderr


def test_from_a_folder_below(conda_docker: Run, project: Path) -> None:
    (project / "below").mkdir()
    done = conda_docker("build", "--target", "app", folder=project / "below")
    assert done.returncode == 0, done.stderr
    assert mode(project / "app") == "common"


@pytest.mark.parametrize(
    ("args", "said"),
    [(["--target", "ap"], "did you mean 'app'"), (["--json"], "declares 2 images; --json is for one")],
)
def test_what_cannot_be(conda_docker: Run, project: Path, args: list[str], said: str) -> None:
    done = conda_docker("build", *args)
    assert done.returncode == (4 if "--target" in args else 2)
    assert said in done.stderr


def test_a_key_that_is_there_twice_is_named(conda_docker: Run, project: Path) -> None:
    with (project / "conda-docker.toml").open("a") as file:
        file.write('output = "oci:elsewhere"\n')
    done = conda_docker("build")
    assert (done.returncode, "output is there twice (line " in done.stderr) == (7, True)


def test_a_target_where_nothing_is_declared(conda_docker: Run) -> None:
    done = conda_docker("build", "--no-config", "--target", "app")
    assert done.returncode == 2
    assert "no images are declared here" in done.stderr


def test_init(conda_docker: Run, project: Path) -> None:
    (project / "conda-docker.toml").unlink()
    assert conda_docker("init").stdout == "conda-docker.toml\n"
    assert 'file = ["environment.yml"]' in (project / "conda-docker.toml").read_text()
    again = conda_docker("init")
    assert (again.returncode, "--force replaces it" in again.stderr) == (2, True)
    assert conda_docker("init", "--print").stdout == (project / "conda-docker.toml").read_text()


@pytest.mark.parametrize("dry_run", [False, True])
def test_two_images_for_one_place_are_refused_before_anything_is_done(
    conda_docker: Run, project: Path, dry_run: bool
) -> None:
    with (project / "conda-docker.toml").open("a") as file:
        file.write('[images.third]\nextends = "app"\nenv = {MODE = "third"}\n')
    done = conda_docker("build", *(["--dry-run"] if dry_run else []))
    assert done.returncode == 2
    assert "app and third would both be written to oci:app" in done.stderr
    assert not (project / "dev").exists()


@pytest.mark.parametrize("args", [["build", "--target", "app", "--iidfile"], ["bake", "--junit"]])
@pytest.mark.parametrize("name", ["conda-docker.toml", "environment.yml"])
def test_what_declares_and_describes_builds_is_not_overwritten(
    conda_docker: Run, project: Path, args: list[str], name: str
) -> None:
    before = (project / name).read_text()
    done = conda_docker(*args, name)
    assert done.returncode == 2
    assert f"{args[-1]} {name} would overwrite an input: " in done.stderr
    assert (project / name).read_text() == before
    assert not (project / "app").exists()


def test_two_images_with_one_file_of_results_are_refused_before_anything_is_done(
    conda_docker: Run, project: Path
) -> None:
    text = (project / "conda-docker.toml").read_text()
    (project / "conda-docker.toml").write_text(f'iidfile = "id.txt"\n{text}')
    done = conda_docker("build")
    assert done.returncode == 2
    assert "app: --iidfile" in done.stderr
    assert "dev: --iidfile" in done.stderr
    assert not (project / "dev").exists()
    baked = conda_docker("bake")
    assert baked.returncode == 2
    assert "app: --iidfile" in baked.stderr
