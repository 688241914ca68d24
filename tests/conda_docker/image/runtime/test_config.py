"""What containers run with: what activation sets, what the options say, and what the base has."""

from __future__ import annotations

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.image.base.accounts import User
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.runtime.activation import Activation
from conda_docker.image.runtime.config import configure, describe, notes_on_config
from python_docker.image import Image
from python_docker.spec.documents.runtime_config import RuntimeConfig
from python_docker.spec.limits import MAX_VARIABLE

PLAIN = Activation({"CONDA_PREFIX": "/opt/conda", "A": "environment"}, None)
SCRIPTS = Activation({}, "#!/bin/sh\n")
ENTRYPOINT = "/opt/conda/bin/conda-docker-entrypoint"


def base(**fields: object) -> Image:
    image = Image("base", "v1")
    for name, value in fields.items():
        image.config[name] = value
    return image


def configured(base: Image | None, activation: Activation = PLAIN, *, python: bool = True, **options: object) -> Image:
    image = base.copy() if base is not None else Image()
    given = BuildOptions(**options)  # type: ignore[arg-type]
    configure(image, base, "/opt/conda", given, activation, {"GPU": "x"}, None, has_python=python)
    return image


def test_options_win_over_activation_and_the_base() -> None:
    under = base()
    for name in "ABG":
        under.config.set_variable(name, "base")
    variables = configured(under).config.environment
    assert [variables[name] for name in ("A", "B", "CONDA_PREFIX", "GPU")] == ["environment", "base", "/opt/conda", "x"]
    assert configured(under, env={"A": "option"}).config.environment["A"] == "option"


@pytest.mark.parametrize(
    ("activation", "path"),
    [(Activation({"PATH": "/opt/conda/bin:/bin"}, None), "/srv/bin:/opt/conda/bin:/bin"), (SCRIPTS, "/srv/bin:/bin")],
)
def test_path_is_put_in_front_of_what_the_image_has(activation: Activation, path: str) -> None:
    under = base(Env=["PATH=/bin"])
    image = configured(under, activation, env={"PATH": "/srv/bin:$PATH"})
    assert image.config.environment["PATH"] == path


def test_the_entrypoint_of_the_environment_goes_in_front_of_the_bases() -> None:
    image = configured(base(Entrypoint=["/start"], Cmd=["serve"]), SCRIPTS)
    assert image.config["Entrypoint"] == [ENTRYPOINT, "/start"]
    assert image.config["Cmd"] == ["serve"]


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ([ENTRYPOINT, "/start"], [ENTRYPOINT, "/start"]),
        (["/srv/env/bin/conda-docker-entrypoint", ENTRYPOINT], ["/srv/env/bin/conda-docker-entrypoint", ENTRYPOINT]),
        (["/srv/env/bin/conda-docker-entrypoint"], ["/srv/env/bin/conda-docker-entrypoint", ENTRYPOINT]),
    ],
)
def test_the_environment_on_top_is_activated_last_and_once(below: list[str], expected: list[str]) -> None:
    assert configured(base(Entrypoint=below), SCRIPTS).config["Entrypoint"] == expected


def test_what_scripts_set_comes_last() -> None:
    activation = Activation({"A": "environment"}, None, scripted={"A": "option:script"})
    assert configured(None, activation, env={"A": "option"}).config.environment["A"] == "option:script"


def test_another_entrypoint_does_without_the_bases_command() -> None:
    image = configured(base(Entrypoint=["/start"], Cmd=["serve"]), SCRIPTS, entrypoint=["/app"])
    assert image.config["Entrypoint"] == ["/app"]
    assert not image.config["Cmd"]


@pytest.mark.parametrize(
    ("under", "python", "command"),
    [
        (None, True, ["/opt/conda/bin/python"]),
        (None, False, []),
        (base(Cmd=["bash"]), True, ["bash"]),
        (base(Entrypoint=["/start"]), True, []),
    ],
)
def test_a_container_without_a_command_starts_python(under: Image | None, python: bool, command: list[str]) -> None:
    assert list(configured(under, python=python).config["Cmd"] or []) == command


def test_user_folder_and_ports_are_set() -> None:
    config = configured(None, user="1000", workdir="/srv", expose=["80", "53/udp"]).config
    assert (config["User"], config["WorkingDir"]) == ("1000", "/srv")
    assert set(config["ExposedPorts"]) == {"80/tcp", "53/udp"}


def test_the_base_is_named_in_annotations_and_labels() -> None:
    under = base()
    image = under.copy()
    describe(image, under, BuildOptions(labels={"mine": "x"}), "2023-11-14T22:13:20Z")
    assert image.created == image.annotations["org.opencontainers.image.created"] == "2023-11-14T22:13:20Z"
    assert image.annotations["org.opencontainers.image.base.name"] == "docker.io/library/base:v1"
    assert image.config["Labels"]["org.opencontainers.image.base.digest"] == under.digest
    assert image.config["Labels"]["mine"] == "x"


def test_a_variable_that_no_program_can_start_with_is_noted() -> None:
    longest = "x" * (MAX_VARIABLE - len("A="))
    assert list(notes_on_config(RuntimeConfig({"Env": [f"A={longest}"]}))) == []
    (note,) = notes_on_config(RuntimeConfig({"Env": [f"A={longest}x", "B=1"]}))
    assert note.startswith("the variable A is longer than the 131071 bytes that Linux takes")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Env": ["FOO", "=z", "", "A=1"]}, "holds what is not NAME=VALUE ('FOO', '=z', '')"),
        ({"WorkingDir": "rel/x"}, "the working folder of the base image is 'rel/x'"),
        ({"WorkingDir": "/srv/app.py"}, "the working folder /srv/app.py is a file in the image"),
        ({"WorkingDir": "/etc/passwd"}, "the working folder /etc/passwd is a file in the image"),
        ({"User": "ghost"}, "runs as the user 'ghost', whom its /etc/passwd does not have"),
        ({"User": "ghost:staff"}, "runs as the user 'ghost'"),
    ],
)
def test_what_keeps_containers_from_starting_is_noted(fields: dict[str, object], said: str) -> None:
    system = BaseSystem(files=frozenset({"srv/app.py"}), users={"app": User(1000, 1000, "/home/app")})
    (note,) = notes_on_config(RuntimeConfig(fields), system, lambda path: path == "/etc/passwd")
    assert said in note


@pytest.mark.parametrize("user", ["", "root", "0", "4711:4711", "app", "app:staff"])
def test_nothing_is_said_of_users_that_runtimes_find(user: str) -> None:
    system = BaseSystem(users={"app": User(1000, 1000, "/home/app")})
    assert list(notes_on_config(RuntimeConfig({"User": user, "WorkingDir": "/srv"}), system)) == []
    assert list(notes_on_config(RuntimeConfig({"User": "ghost"}))) == []


def test_the_order_of_options_changes_nothing() -> None:
    def built(*names: str) -> str:
        given = dict.fromkeys(names, "x")
        options = {"env": given, "labels": given, "expose": [f"{len(name)}" for name in names]}
        image = configured(base(), **options)  # type: ignore[arg-type]
        describe(image, None, BuildOptions(**options), "2026-01-01T00:00:00Z")  # type: ignore[arg-type]
        return image.digest

    assert built("a", "bb", "ccc") == built("ccc", "a", "bb")
