"""What a build learns of the system in its base image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.image.base import reading
from conda_docker.image.base.accounts import User
from conda_docker.image.base.folder import Folder
from conda_docker.image.base.reading import read_base_system
from conda_docker.image.base.system import BaseSystem
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.tar import EntryType, TarEntry

PASSWD = b"root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\nbroken\n"
GROUP = b"root:x:0:\nusers:x:100:a,b\n:x:x:\n"


def image_of(*layers: list[tuple[TarEntry, bytes]]) -> Image:
    image = Image()
    for entries in layers:
        with build_layer(None) as builder:
            for entry, content in entries:
                builder.add(entry, content)
        assert builder.layer is not None
        image.add_layer(builder.layer)
    return image


def file(path: str, content: bytes = b"") -> tuple[TarEntry, bytes]:
    return TarEntry(path, size=len(content)), content


def link(path: str, target: str) -> tuple[TarEntry, bytes]:
    return TarEntry(path, EntryType.SYMLINK, 0o777, 0, 0, target), b""


def test_an_empty_image_has_nothing(tmp_path: Path) -> None:
    assert read_base_system(Image(), tmp_path) == BaseSystem(lacks=("/tmp", "/etc/passwd", "/etc/group"))


def test_shells_and_loaders_behind_links(tmp_path: Path) -> None:
    loader = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    lower = [link("bin", "usr/bin"), link("lib64", "usr/lib64"), file("usr/bin/dash"), link("usr/bin/sh", "dash")]
    upper = [file(loader), link("usr/lib64/ld-linux-x86-64.so.2", f"/{loader}"), link("usr/bin/bash", "gone")]
    system = read_base_system(image_of(lower, upper), tmp_path)
    assert (system.shells, system.loaders) == (("/bin/sh",), ("/lib64/ld-linux-x86-64.so.2",))


@pytest.mark.parametrize(
    ("entries", "shells"),
    [
        ([(TarEntry("bin/sh", EntryType.DIRECTORY, 0o755), b"")], ()),
        ([link("bin/sh", "sh")], ()),
        ([link("bin/sh", "/opt/toybox")], ()),
        ([link("bin/sh", "/opt/toybox"), file("opt/toybox")], ("/bin/sh",)),
        ([file("opt/toybox"), (TarEntry("bin/sh", EntryType.HARDLINK, link_target="opt/toybox"), b"")], ("/bin/sh",)),
        ([file("usr/bin/bash")], ("/usr/bin/bash",)),
    ],
)
def test_what_is_a_shell(tmp_path: Path, entries: list[tuple[TarEntry, bytes]], shells: tuple[str, ...]) -> None:
    assert read_base_system(image_of(entries), tmp_path).shells == shells


def test_users_and_groups(tmp_path: Path) -> None:
    image = Image()
    image.add_layer_contents({"/etc/passwd": PASSWD, "/etc/group": GROUP})
    system = read_base_system(image, tmp_path)
    assert system.users == {"root": User(0, 0, "/root"), "nobody": User(65534, 65534, "/nonexistent")}
    assert system.groups == {"root": 0, "users": 100}


def test_lines_that_name_no_user_are_passed_over(tmp_path: Path) -> None:
    number = "9" * 5000
    image = Image()
    lines = (
        f"a:x:{number}:1::/:/bin/sh\nb:x:1:{number}::/:/bin/sh\nc:x:\u0661:1::/:/bin/sh\n".encode()
        + b"d:\xe9:2:3::/d:\n"
    )
    image.add_layer_contents({"/etc/passwd": lines, "/etc/group": lines})
    system = read_base_system(image, tmp_path)
    assert system.users == {"d": User(2, 3, "/d")}
    assert system.passwd.encode("utf-8", "surrogateescape") == lines
    assert read_base_system(image, tmp_path) == system


def test_folders_that_are_links(tmp_path: Path) -> None:
    entries = [link("opt", "var/opt"), file("var/opt/app/f"), link("srv", "/opt/app"), link("etc/x", "../var")]
    system = read_base_system(image_of([*entries, link("f", "var/opt/app/f"), link("loop", "loop")]), tmp_path)
    assert system.links == {"opt": "var/opt", "srv": "var/opt/app"}
    assert system.real_path("/opt/conda") == "/var/opt/conda"
    assert system.real_path("/srv") == "/var/opt/app"
    assert system.real_path("/optional/conda") == "/optional/conda"


def folder(path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> tuple[TarEntry, bytes]:
    return TarEntry(path, EntryType.DIRECTORY, mode, 0, 7, uid=uid, gid=gid), b""


def test_folders_with_an_owner_or_a_mode_of_their_own(tmp_path: Path) -> None:
    lower = [folder("opt", 0o700), folder("home/me", 0o2770, 1000, 100), folder("srv"), folder("a/b/c/d/e", 0o700)]
    system = read_base_system(image_of(lower, [folder("opt")]), tmp_path)
    assert system.folders == {"home/me": Folder(0o2770, 1000, 100, 7)}
    above = system.folders_above(["home/me/files/x", "srv/y"])
    assert above == {"home/me": TarEntry("home/me", EntryType.DIRECTORY, 0o2770, 0, 7, uid=1000, gid=100)}


def test_environments_that_login_shells_know_of(tmp_path: Path) -> None:
    scripts = [file(f"usr/etc/profile.d/conda-docker{number}.sh") for number in ("", "2")]
    image = image_of([link("etc", "usr/etc"), *scripts, file("usr/etc/profile.d/conda-dockers.sh")])
    for _ in range(2):
        assert read_base_system(image, tmp_path).environments == 2


def test_all_of_it_is_remembered(tmp_path: Path) -> None:
    entries = [
        folder("srv/app", 0o700),
        link("opt", "var/opt"),
        file("bin/sh"),
        file("lib/libc-2.31.so"),
        file("etc/passwd", PASSWD),
    ]
    image = image_of(entries)
    found = read_base_system(image, tmp_path)
    unread = Image.from_manifest(image.manifest, lambda descriptor: image.config_blob)
    assert read_base_system(unread, tmp_path) == found
    assert found.glibc == "2.31"


def test_a_damaged_note_is_no_obstacle(tmp_path: Path) -> None:
    image = image_of([file("bin/sh")])
    read_base_system(image, tmp_path)
    [note] = (tmp_path / "systems").glob("*/*")
    note.write_bytes(b"{}")
    assert read_base_system(image, tmp_path).shells == ("/bin/sh",)


def test_of_a_large_image_the_layers_up_to_the_shell_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_WHOLE", 1)
    system = read_base_system(image_of([file("a")], [file("bin/sh")], [file("lib/libc-2.31.so")]), tmp_path)
    assert (system.shells, system.glibc) == (("/bin/sh",), None)


def test_of_the_other_layers_of_a_large_image_small_ones_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = [file("app", os.urandom(3000)), link("srv", "data")]
    image = image_of([file("bin/sh")], large, [link("opt", "data")], [file("lib/libc-2.31.so")])
    monkeypatch.setattr(reading, "_WHOLE", sum(layer.size for layer in image.layers) - 1)
    for _ in range(2):
        system = read_base_system(image, tmp_path)
        assert (system.links, system.glibc, system.lacks) == ({"opt": "data"}, "2.31", ())


def test_users_of_a_large_image_may_come_with_any_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_WHOLE", 1)
    lower = [file("bin/sh"), file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")]
    upper = [file("etc/passwd", PASSWD), file("etc/group", GROUP), link("opt", "var/opt")]
    image = image_of(lower, upper)
    for _ in range(2):
        assert set(read_base_system(image, tmp_path).users) == {"root"}
        system = read_base_system(image, tmp_path, accounts=True)
        assert (set(system.users), system.groups) == ({"root", "nobody"}, {"root": 0, "users": 100})
        # All else is as without accounts: where the environment goes does not depend on whom it is for.
        assert system.links == {}


def test_what_programs_rely_on_and_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = image_of([file("bin/sh")], [file("etc/passwd", PASSWD)])
    for _ in range(2):
        assert read_base_system(bare, tmp_path).lacks == ("/tmp", "/etc/group")
    monkeypatch.setattr(reading, "_WHOLE", 1)
    assert read_base_system(bare, tmp_path / "other").lacks == (), "it may come with a layer that was not read"


def test_a_layer_that_makes_no_file_system_ends_no_build(tmp_path: Path) -> None:
    system = read_base_system(image_of([file("a/.wh...")]), tmp_path)
    assert "whiteout" in (system.problem or "")


BANNER = b"\0\0GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\nCopyright\0"


@pytest.mark.parametrize(
    ("path", "content", "version"),
    [
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", BANNER, "2.36"),
        ("/lib64/libc.so.6", BANNER, "2.36"),
        ("/lib/x86_64-linux-gnu/libc-2.31.so", b"", "2.31"),
        ("/usr/glibc-compat/lib/libc.so.6", BANNER, "2.36"),
        ("/opt/conda/sysroot/lib64/libc.so.6", BANNER, None),
        ("/lib/ld-musl-x86_64.so.1", b"", None),
        ("/lib64/libc.so.6", b"no banner", None),
    ],
)
def test_the_version_of_the_c_library(tmp_path: Path, path: str, content: bytes, version: str | None) -> None:
    image = Image()
    image.add_layer_contents({path: content})
    image.add_layer_contents({"/app": b""})
    assert read_base_system(image, tmp_path).glibc == version
    unread = Image.from_manifest(image.manifest, lambda descriptor: image.config_blob)
    assert read_base_system(unread, tmp_path).glibc == version, "remembered by the image's ID"


def test_this_machine_s_own_c_library_is_recognised(tmp_path: Path) -> None:
    libraries = [path for path in Path("/usr/lib").glob("*-linux-gnu/libc.so.6") if path.is_file()]
    if not libraries:
        pytest.skip("this machine's C library is not where Debian has it")
    image = Image()
    image.add_layer_path(libraries[0].resolve(), str(libraries[0]))
    assert read_base_system(image, tmp_path).glibc == os.confstr("CS_GNU_LIBC_VERSION").split()[1]  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["etc/passwd", "etc/group"])
def test_a_list_of_accounts_that_is_absurdly_large(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LARGEST_LIST", 10)
    system = read_base_system(image_of([file(path, b"x" * 11)]), tmp_path)
    assert system.problem == f"/{path} of the base image has 11 bytes; at most 10 are read"
