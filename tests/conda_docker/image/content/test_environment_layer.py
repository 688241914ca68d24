"""The last layer of an environment."""

from __future__ import annotations

import configparser
import json
from dataclasses import replace

import pytest

from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.image.base.folder import Folder
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.content.environment_layer import environment_layer, history_file, marks_of_frozen
from conda_docker.image.runtime.activation import Activation
from conda_docker.image.runtime.users import container_user
from conda_docker.layers.recipe import Recipe
from python_docker.image.layer import Layer

ENVIRONMENT = LockedEnvironment(
    "linux-64",
    tuple(
        package_from_record(
            {
                "name": name,
                "version": "1.0",
                "build": "0",
                "url": f"https://user:secret@example.com/channel/noarch/{name}-1.0-0.conda",
            }
        )
        for name in ("b", "a")
    ),
    requested=("a >=1",),
)
WHEN = 1_700_000_000
NOTHING = Activation({}, None)


def contents(layer: Layer) -> dict[str, bytes]:
    return {entry.path: content.read() for entry, content in layer.entries() if not entry.path.endswith("/")}


def test_the_history_names_packages_and_what_was_asked_for() -> None:
    assert history_file(ENVIRONMENT, WHEN).decode() == (
        "==> 2023-11-14 22:13:20 <==\n"
        "# cmd: conda-docker build\n"
        "+https://example.com/channel/noarch::a-1.0-0\n"
        "+https://example.com/channel/noarch::b-1.0-0\n"
        "# update specs: ['a>=1']\n"
    )


def test_an_environment_without_variables_or_scripts_has_its_history_alone() -> None:
    found = contents(environment_layer(ENVIRONMENT, Recipe("/srv/env"), NOTHING, None, None, WHEN))
    assert [path for path in found if path.startswith("srv/env/") and found[path]] == ["srv/env/conda-meta/history"]


def test_variables_and_the_entrypoint_are_in_it() -> None:
    environment = replace(ENVIRONMENT, variables={"MODE": "test"})
    layer = environment_layer(environment, Recipe("/srv/env"), Activation({}, "#!/bin/sh\n"), None, None, WHEN)
    found = contents(layer)
    assert json.loads(found["srv/env/conda-meta/state"]) == {"env_vars": {"MODE": "test"}}
    assert found["srv/env/bin/conda-docker-entrypoint"] == b"#!/bin/sh\n"
    modes = {entry.path: (entry.mode, entry.mtime) for entry, _ in layer.entries()}
    assert modes["srv/env/bin/conda-docker-entrypoint"] == (0o755, WHEN)


def test_a_frozen_environment_says_so_to_conda_and_to_pip() -> None:
    recipe = Recipe("/srv/env", "3.13", "lib/python3.13t/site-packages")
    found = contents(environment_layer(ENVIRONMENT, recipe, NOTHING, None, None, WHEN, frozen=True))
    assert "image" in json.loads(found["srv/env/conda-meta/frozen"])["message"]
    marked = configparser.ConfigParser()
    marked.read_string(found["srv/env/lib/python3.13t/EXTERNALLY-MANAGED"].decode())
    assert "image" in marked["externally-managed"]["Error"]


def test_a_frozen_environment_without_python() -> None:
    assert list(marks_of_frozen(None)) == ["conda-meta/frozen"]


def test_folders_of_the_base_stay_links_and_keep_their_owners() -> None:
    system = BaseSystem(
        links={"etc": "usr/etc", "home": "var/home"},
        folders={
            "opt": Folder(0o2775, 1000, 100, 5),
            "var/home": Folder(0o711, 0, 0, 5),
            "srv": Folder(0o700, 1, 1, 5),
        },
        shells=("/bin/sh",),
    )
    user = container_user("1000", system)
    variables = Activation({"PATH": "/opt/conda/bin"}, None)
    layer = environment_layer(ENVIRONMENT, Recipe("/opt/conda"), variables, user, system, WHEN)
    found = {entry.path: entry for entry, _ in layer.entries()}
    assert {"usr/etc/passwd", "usr/etc/profile.d/conda-docker.sh", "var/home/app"} < set(found)
    assert not {"etc", "home", "srv"} & set(found)
    assert (found["opt"].mode, found["opt"].uid, found["opt"].gid, found["opt"].mtime) == (0o2775, 1000, 100, 5)
    assert (found["var/home"].mode, found["var/home/app"].uid) == (0o711, 1000)


@pytest.mark.parametrize(("user", "mode"), [("1000", 0o755), ("1000:100", 0o755), ("1000:0", 0o775)])
def test_the_group_0_may_write_to_a_home_of_its_own(user: str, mode: int) -> None:
    added = container_user(user, BaseSystem())
    layer = environment_layer(ENVIRONMENT, Recipe("/opt/conda"), NOTHING, added, None, WHEN)
    assert next(entry.mode for entry, _ in layer.entries() if entry.path == "home/app") == mode


def test_login_shells_know_of_the_environments_of_the_base_too() -> None:
    base = BaseSystem(shells=("/bin/sh",), environments=1)
    layer = environment_layer(
        ENVIRONMENT, Recipe("/opt/conda/envs/app"), Activation({"A": "1"}, None), None, base, WHEN
    )
    script = contents(layer)["etc/profile.d/conda-docker2.sh"]
    assert b"/opt/conda/envs/app/bin" in script


@pytest.mark.parametrize(
    ("path", "front"),
    [
        (None, "/opt/conda/bin"),
        ("/opt/conda/extra:/opt/conda/bin:/usr/bin", "/opt/conda/extra:/opt/conda/bin"),
        ("/usr/bin:/opt/conda/bin", "/opt/conda/bin"),
        ("/opt/conda/bin:/usr/bin2:/usr/bin", "/opt/conda/bin:/usr/bin2"),
    ],
)
def test_login_shells_have_the_folders_that_scripts_add(path: str | None, front: str) -> None:
    activation = Activation(
        {"PATH": "/opt/conda/bin:/usr/bin"}, None, scripted={"B": "2"} if path is None else {"B": "2", "PATH": path}
    )
    base = BaseSystem(shells=("/bin/sh",))
    layer = environment_layer(ENVIRONMENT, Recipe("/opt/conda"), activation, None, base, WHEN)
    script = contents(layer)["etc/profile.d/conda-docker.sh"].decode()
    assert f"PATH={front}:$PATH;" in script
    assert "export B=2\n" in script
    assert script.count("export PATH") == 1


def test_login_shells_have_the_folders_that_scripts_add_behind_all_others() -> None:
    path = "/opt/conda/bin:/usr/bin:/bin:/opt/conda/extra"
    activation = Activation({"PATH": "/opt/conda/bin:/usr/bin:/bin"}, None, scripted={"PATH": path})
    layer = environment_layer(
        ENVIRONMENT, Recipe("/opt/conda"), activation, None, BaseSystem(shells=("/bin/sh",)), WHEN
    )
    script = contents(layer)["etc/profile.d/conda-docker.sh"].decode()
    assert "PATH=/opt/conda/bin:$PATH;" in script
    assert "PATH=$PATH:/opt/conda/extra;" in script


def test_what_a_base_lacks_that_programs_rely_on() -> None:
    bare = BaseSystem(shells=("/bin/sh",), lacks=("/tmp", "/etc/passwd", "/etc/group"))
    layer = environment_layer(ENVIRONMENT, Recipe("/opt/conda"), NOTHING, None, bare, WHEN)
    found = {entry.path: (entry.mode, content.read()) for entry, content in layer.entries()}
    assert found["tmp"] == (0o1777, b"")
    assert (found["etc/passwd"][1], found["etc/group"][1]) == (b"root:x:0:0:root:/root:/bin/sh\n", b"root:x:0:\n")
    linked = BaseSystem(lacks=("/tmp",), links={"tmp": "var/tmp"})
    layer = environment_layer(ENVIRONMENT, Recipe("/opt/conda"), NOTHING, None, linked, WHEN)
    assert {entry.path: entry.mode for entry, _ in layer.entries() if "tmp" in entry.path} == {"var/tmp": 0o1777}
    layer = environment_layer(ENVIRONMENT, Recipe("/opt/conda"), NOTHING, None, BaseSystem(), WHEN)
    assert not {"tmp", "etc/passwd"} & set(layer.list_files()), "it has both, whatever is in them"
