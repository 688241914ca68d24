"""What somebody types who knows other programs is answered by what to type here."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from conda_docker.cli.app import app
from conda_docker.cli.commands.build import build
from conda_docker.cli.other_words import COMMANDS, OPTIONS
from tests.conda_docker.cli.conftest import Run

GUESSES = {
    "push me/app:1": "build --push",
    "pull python:3.12": "copy SRC DST",
    "run me/app:1": "build --load",
    "images": "inspect IMAGE",
    "login ghcr.io": "docker login",
    "create -n x numpy": "build SPEC",
    "prune": "cache prune",
    "version": "--version",
    "bild numpy": "did you mean 'build'?",
    "build python numpy": "-o image.tar",
    "build environment.yml -o x.tar": "did you mean --file environment.yml?",
    "build requirements.txt -o x.tar": "did you mean --file requirements.txt?",
    "build . -t me/app:1": "--project . (a Python project) or --file",
    "build ./src -t me/app:1": "--project ./src",
    "build -f environment.yml me/app:1": "did you mean --image me/app:1",
    "build pip:six -o x.tar": "`- pip: [six]` in an environment.yml",
    "build pypi::six -o x.tar": "`- pip: [six]` in an environment.yml",
    "build --pip six python -o x.tar": "`pip:` section",
    "build --run true python -o x.tar": "nothing is run",
    "build python app.py -o x.tar": "--add app.py:/srv/",
    "build --cmd python /srv/app.py -o x.tar": "--cmd 'python /srv/app.py'",
    "bake -f environment.yml": "files and folders as arguments",
    "serve -f environment.yml": "build -f FILE",
    "-f environment.yml": "build -f FILE",
    "environment.yml": "build -f environment.yml",
    "sbom app.tar": "inspect --sbom cyclonedx IMAGE",
    "build python:3.12 -o x.tar": "the package python=3.12",
    "build python 3.12 -o x.tar": "did you mean python=3.12?",
    "build python3.12 -o x.tar": "did you mean python=3.12?",
    "build -r requirements.txt": "`pip:` section of an environment.yml",
    "build --build-arg A=1 numpy": "--env sets a variable",
    "build -e A=1 numpy": "--env NAME=VALUE",
    "build --from ubuntu numpy": "--base IMAGE",
    "build numpy -o me/app:1": "docker://REF",
    "build numpy -o type=docker,dest=x.tar": "write app.tar, oci:DIR or docker://REF",
}


@pytest.mark.parametrize("typed", GUESSES)
def test_a_guess_is_answered_by_what_to_type(typed: str, conda_docker: Run) -> None:
    result = conda_docker(*shlex.split(typed))
    assert result.returncode == 2
    assert GUESSES[typed] in result.stderr


@pytest.mark.parametrize("typed", ["help build", "--help build", "-h build", "help cache prune", "help"])
def test_help_may_come_first(typed: str, conda_docker: Run) -> None:
    words = [word for word in typed.split() if word not in ("help", "--help", "-h")]
    assert conda_docker(*typed.split()).stdout == conda_docker(*words, "--help").stdout


@pytest.mark.parametrize("advice", sorted({*COMMANDS.values(), *OPTIONS.values()}))
def test_advice_names_commands_and_options_that_there_are(advice: str) -> None:
    context = click.Context(app)
    for name in re.findall(r"`conda-docker ([a-z]+)", advice):
        assert app.get_command(context, name) is not None
    options = {option for param in build.params for option in param.opts}
    named = set(re.findall(r"--[a-z-]+", advice)) - {"--update", "--username", "--rm", "--version"}
    assert named <= options


def test_nothing_that_there_is_counts_as_another_word() -> None:
    options = {option for param in build.params for option in param.opts}
    assert not COMMANDS.keys() & set(app.list_commands(click.Context(app)))
    assert not OPTIONS.keys() & options
