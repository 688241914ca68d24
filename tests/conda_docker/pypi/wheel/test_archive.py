from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.pypi.wheel.archive import open_wheel
from tests.conda_docker.pypi.wheels import make_wheel


def test_members_tell_size_mode_and_time(tmp_path: Path) -> None:
    wheel = open_wheel(make_wheel(tmp_path, files={"a.sh": "#!/bin/sh\n"}, executable=["a.sh"]))
    member = wheel.members["a.sh"]
    assert (member.size, member.executable, member.mtime) == (10, True, 1714979290)
    assert wheel.dist_info == "demo-1.0.dist-info"


@pytest.mark.parametrize("name", ["../evil.py", "/etc/passwd", "demo/../../evil", "a\\b.py", "demo/\0x"], ids=ascii)
def test_names_that_leave_the_wheel_are_refused(tmp_path: Path, name: str) -> None:
    info = zipfile.ZipInfo("x" * len(name))
    wheel = make_wheel(tmp_path, extra=[(info, "x")])
    content = wheel.read_bytes()
    wheel.write_bytes(content.replace(b"x" * len(name), name.encode()))
    with pytest.raises(InvalidPackage, match=r"is not a valid path in a wheel|twice"):
        open_wheel(wheel)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        wheel = make_wheel(tmp_path, extra=[("demo/__init__.py", "other")])
    with pytest.raises(InvalidPackage, match=r"'demo/__init__\.py' twice"):
        open_wheel(wheel)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"demo/zeros": bytes(80 << 20)})
    with pytest.raises(InvalidPackage, match="more than the limit of"):
        open_wheel(wheel)


def test_a_symbolic_link_is_a_file_with_its_target_as_pip_and_uv_install_it(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("demo/link", (2024, 1, 1, 0, 0, 0))
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    wheel = open_wheel(make_wheel(tmp_path, extra=[(link, "/etc/passwd")]))
    assert not wheel.members["demo/link"].executable
    with wheel.reading() as reader:
        assert reader.read(wheel.members["demo/link"]) == b"/etc/passwd"


def test_names_that_differ_by_case_are_two_files(tmp_path: Path) -> None:
    wheel = open_wheel(make_wheel(tmp_path, files={"demo/A.py": "1", "demo/a.py": "2"}))
    assert {"demo/A.py", "demo/a.py"} <= wheel.members.keys()


def test_an_invalid_time_becomes_1980(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("demo/x", (1980, 0, 0, 0, 0, 0))
    wheel = open_wheel(make_wheel(tmp_path, extra=[(info, "x")]))
    assert wheel.members["demo/x"].mtime == 315532800


def test_a_method_that_wheels_do_not_have_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("demo/x")
    info.compress_type = zipfile.ZIP_LZMA
    with pytest.raises(InvalidPackage, match="a method that wheels may not use"):
        open_wheel(make_wheel(tmp_path, extra=[(info, "x")]))


def test_what_is_damaged_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, files={"demo/data": "some content that is long enough to be compressed" * 5})
    content = bytearray(path.read_bytes())
    content[45] ^= 0xFF
    path.write_bytes(content)
    wheel = open_wheel(path)
    with wheel.reading() as reader, pytest.raises(InvalidPackage, match="is damaged"):
        reader.read(wheel.members["demo/data"])


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\3\4"])
def test_a_file_that_is_not_a_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    path.write_bytes(content)
    with pytest.raises(InvalidPackage, match="is damaged"):
        open_wheel(path)


def test_another_distribution_than_the_name_says_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    with pytest.raises(InvalidPackage, match="a different distribution"):
        open_wheel(wheel, "other-1.0-py3-none-any.whl")


def test_a_wheel_without_metadata_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo.py", "")
    with pytest.raises(InvalidPackage, match="should have one"):
        open_wheel(path)


@pytest.mark.parametrize("where", ["local", "offset", "crc", "size"])
def test_a_table_of_contents_that_lies_is_refused(tmp_path: Path, where: str) -> None:
    path = make_wheel(tmp_path, files={"demo/data": "some content that is long enough to be compressed" * 5})
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\1\2")  # that of demo/data is the first
    if where == "local":
        content[0:4] = b"PK\7\7"
    elif where == "offset":
        content[entry + 42 : entry + 46] = (len(content) - 4).to_bytes(4, "little")
    elif where == "crc":
        content[entry + 16] ^= 1
    else:
        content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(InvalidPackage, match="is damaged"):
        wheel = open_wheel(path)
        with wheel.reading() as reader:
            reader.read(wheel.members["demo/data"])


def test_a_stored_member_is_read(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("demo/stored")
    wheel = open_wheel(make_wheel(tmp_path, extra=[(info, b"as it is")]))
    with wheel.reading() as reader:
        assert reader.read(wheel.members["demo/stored"]) == b"as it is"


def test_a_stream_of_a_member_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, files={"demo/run.sh": "#!/bin/sh\n"})
    content = path.read_bytes()
    # Sizes as the table of contents has them; the CRC is not reached.
    place = content.rindex(b"demo/run.sh") - 46
    path.write_bytes(content[: place + 24] + (1000).to_bytes(4, "little") + content[place + 28 :])
    wheel = open_wheel(path)
    with wheel.reading() as reader:
        stream = reader.open(wheel.members["demo/run.sh"])
        assert stream.read(10) == b"#!/bin/sh\n"
        with pytest.raises(InvalidPackage, match=r"is damaged: 'demo/run\.sh' is cut short"):
            stream.read(4)
