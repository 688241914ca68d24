"""What is known of the system in a base image, as a value and as a note."""

from __future__ import annotations

import json

import pytest

from conda_docker.image.base.accounts import User
from conda_docker.image.base.folder import Folder
from conda_docker.image.base.system import BaseSystem, from_note, to_note


def test_a_file_is_written_where_its_folder_leads() -> None:
    system = BaseSystem(links={"etc": "usr/etc", "home": "var/home"})
    assert system.real_file("/etc/passwd") == "/usr/etc/passwd"
    assert system.real_file("/a") == "/a"


def test_a_note_says_all_of_it() -> None:
    passwd, group = "app:x:5:6::/srv:/bin/sh\n\udcff:x\n", "app:x:6:\n"
    system = BaseSystem(
        glibc="2.36",
        shells=("/bin/sh",),
        loaders=("/lib64/ld-linux-x86-64.so.2",),
        links={"opt": "var/opt"},
        files=frozenset({"opt/file"}),
        folders={"srv": Folder(0o2775, 5, 6, 7)},
        users={"app": User(5, 6, "/srv")},
        groups={"app": 6},
        passwd=passwd,
        group=group,
        lacks=("/tmp",),
        environments=2,
    )
    assert from_note(json.loads(json.dumps(to_note(system)))) == system


def test_a_note_of_another_version_is_refused() -> None:
    note = to_note(BaseSystem())
    with pytest.raises(ValueError, match="another version"):
        from_note(note | {"format": note["format"] + 1})
