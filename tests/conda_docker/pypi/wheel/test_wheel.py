from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import InvalidPackage
from conda_docker.link.bytecode.compiler import Compiler
from conda_docker.link.bytecode.python_program import exact_version, find_on_machine
from conda_docker.link.filter import FileFilter
from conda_docker.link.prefix import Prefix
from conda_docker.pypi.wheel.archive import open_wheel
from conda_docker.pypi.wheel.wheel import installed_wheel_paths, link_wheel
from python_docker.tar import EntryType
from tests.conda_docker.pypi.oracle import PYTHON, differences, installed_by_uv, linked, virtual_environment
from tests.conda_docker.pypi.wheels import Content, make_wheel

PREFIX = Prefix("/opt/conda", "3.12")
SITE = "lib/python3.12/site-packages"

RICH: dict[str, Content] = {
    "rich_demo/__init__.py": "def main():\n    return 0\n",
    "rich_demo/table.csv": "a,b\n",
    "rich_demo/with, comma.txt": "x",
    "rich_demo/run.sh": "#!/bin/sh\n",
    "rich_demo/__pycache__/__init__.cpython-311.pyc": b"not made here",
    "space/part/module.py": "",
    "rich_demo-1.0.data/scripts/tool": "#!python -E\nprint(1)\n",
    "rich_demo-1.0.data/scripts/window": "#!pythonw\r\nprint(1)\n",
    "rich_demo-1.0.data/scripts/command": "#!python\nprint('an entry point has its name')\n",
    "rich_demo-1.0.data/scripts/shell": "#!/bin/sh\necho 1\n",
    "rich_demo-1.0.data/scripts/program": b"\x7fELF" + bytes(range(256)) * 40_000,
    "rich_demo-1.0.data/data/share/rich/icon.svg": "<svg/>",
    "rich_demo-1.0.data/headers/rich.h": "int rich;\n",
    "rich_demo-1.0.data/purelib/pure.py": "",
    "rich_demo-1.0.data/platlib/plat.py": "",
}
POINTS = (
    "[console_scripts]\ncommand = rich_demo:main\ndotted.name = rich_demo.sub : Class.method\n"
    "hyphen = rich-demo:main\n"
    "[gui_scripts]\nwindowed = rich_demo:main [extra]\n[other]\nx = rich_demo\n"
)


def locked(path: Path, **fields: Any) -> LockedWheel:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return LockedWheel(name="demo", version="1.0", url=path.as_uri(), sha256=sha256, **fields)


def rich_wheel(folder: Path) -> Path:
    metadata: dict[str, Content] = {"entry_points.txt": POINTS, "licenses/LICENSE": "free", "INSTALLER": "someone"}
    return make_wheel(folder, "rich-demo", "1.0", RICH, metadata=metadata, executable=["rich_demo/run.sh"])


def test_the_files_are_those_that_uv_installs(tmp_path: Path) -> None:
    environment = virtual_environment(tmp_path / "environment")
    wheel = rich_wheel(tmp_path)
    theirs = installed_by_uv(environment, [wheel])
    ours, _ = linked(wheel, locked(wheel, requested=True, direct=True), Prefix(str(environment), PYTHON))
    assert differences(theirs, ours) == []
    assert {"bin/command", "bin/window", "bin/dotted.name", "share/rich/icon.svg"} <= ours.keys()


def test_a_prefix_that_linux_cannot_run_in_a_first_line_is_run_by_sh(tmp_path: Path) -> None:
    wheel = rich_wheel(tmp_path)
    ours, _ = linked(wheel, locked(wheel), Prefix("/opt/my env", "3.12"))
    for script in ("command", "tool"):
        assert ours[f"bin/{script}"].content.startswith(b"#!/bin/sh\n'''exec' \"/opt/my env/bin/python\"")


def test_scripts_run_by_the_interpreter_of_the_image(tmp_path: Path) -> None:
    wheel = rich_wheel(tmp_path)
    ours, _ = linked(wheel, locked(wheel), PREFIX)
    assert ours["bin/tool"].content == b"#!/opt/conda/bin/python\nprint(1)\n"
    assert ours["bin/window"].content == b"#!/opt/conda/bin/python\nprint(1)\n"
    assert ours["bin/shell"].content.startswith(b"#!/bin/sh\n")
    assert b"from rich_demo import main" in ours["bin/command"].content
    assert all(ours[f"bin/{name}"].mode == 0o755 for name in ("tool", "shell", "command", "program"))


def test_headers_of_a_free_threaded_python_go_to_its_own_folder(tmp_path: Path) -> None:
    wheel = rich_wheel(tmp_path)
    ours, _ = linked(wheel, locked(wheel), Prefix("/opt/conda", "3.13", "lib/python3.13t/site-packages"))
    assert "include/python3.13t/rich-demo/rich.h" in ours


def test_who_asked_for_a_wheel_is_noted(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    dependency, _ = linked(wheel, locked(wheel), PREFIX)
    requested, _ = linked(wheel, locked(wheel, requested=True), PREFIX)
    assert requested.keys() - dependency.keys() == {f"{SITE}/demo-1.0.dist-info/REQUESTED"}
    assert dependency[f"{SITE}/demo-1.0.dist-info/INSTALLER"].content == b"uv"


def test_direct_url_names_a_local_wheel_without_its_folder(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    ours, _ = linked(wheel, locked(wheel, direct=True), PREFIX)
    document = json.loads(ours[f"{SITE}/demo-1.0.dist-info/direct_url.json"].content)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert document == {"url": f"file:///{wheel.name}", "archive_info": {"hashes": {"sha256": sha256}}}


def test_direct_url_holds_no_credentials(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    url = f"https://me:secret@example.com/{wheel.name}?sig=abc"
    ours, _ = linked(wheel, LockedWheel(name="demo", version="1.0", url=url, direct=True), PREFIX)
    assert b"secret" not in ours[f"{SITE}/demo-1.0.dist-info/direct_url.json"].content
    assert f'"https://example.com/{wheel.name}"'.encode() in ours[f"{SITE}/demo-1.0.dist-info/direct_url.json"].content


def test_modules_are_compiled_and_recorded(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"demo.py": "x = 1\n", "broken.py": "(", "demo-1.0.data/data/share/not.py": ""})
    with Compiler(find_on_machine(exact_version()) or pytest.fail("this Python")) as compiler:
        ours, link = linked(wheel, locked(wheel), Prefix("/opt/conda", PYTHON), compiler=compiler)
    site = f"lib/python{PYTHON}/site-packages"
    pyc = f"{site}/__pycache__/demo.{sys.implementation.cache_tag}.pyc"
    assert (
        f"__pycache__/demo.{sys.implementation.cache_tag}.pyc,,\n"
        in ours[f"{site}/demo-1.0.dist-info/RECORD"].content.decode()
    )
    assert pyc in ours
    assert (link.report.compiled, list(link.report.uncompiled)) == (1, [f"{site}/broken.py"])
    assert pyc in link.report.paths


def test_the_paths_that_are_announced_are_those_that_come(tmp_path: Path) -> None:
    wheel = rich_wheel(tmp_path)
    asked = locked(wheel, requested=True)
    with Compiler(find_on_machine(exact_version()) or pytest.fail("this Python")) as compiler:
        prefix = Prefix("/opt/conda", PYTHON)
        ours, link = linked(wheel, asked, prefix, compiler=compiler)
        announced = installed_wheel_paths(open_wheel(wheel), asked, prefix, tag=compiler.tag)
    files = sorted(path for path, item in ours.items() if item.type is EntryType.FILE)
    assert announced == sorted(link.report.paths) == files


def test_what_the_filter_leaves_out_is_not_recorded(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"demo.py": "", "libdemo.a": "archive"})
    ours, link = linked(wheel, locked(wheel), PREFIX, filter=FileFilter(trim_static_libs=True))
    assert f"{SITE}/libdemo.a" not in ours
    assert b"libdemo.a" not in ours[f"{SITE}/demo-1.0.dist-info/RECORD"].content
    assert (link.report.trimmed_files, link.report.trimmed_bytes) == (1, 7)


def test_what_another_package_wins_is_left_out_and_recorded(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"demo.py": "", "shared.py": ""})
    ours, link = linked(wheel, locked(wheel), PREFIX, without=[f"{SITE}/shared.py"])
    assert f"{SITE}/shared.py" not in ours
    assert f"{SITE}/shared.py" not in link.report.paths
    assert b"shared.py,sha256=" in ours[f"{SITE}/demo-1.0.dist-info/RECORD"].content


def test_the_bytes_are_the_same_each_time_and_times_are_those_of_the_wheel(tmp_path: Path) -> None:
    wheel = rich_wheel(tmp_path)
    first, second = (
        [(entry, content if isinstance(content, bytes) else content.read()) for entry, content in link]
        for link in (link_wheel(open_wheel(wheel), locked(wheel), PREFIX) for _ in range(2))
    )
    assert first == second
    assert {entry.mtime for entry, _ in first} == {1714979290}  # 2024-05-06T07:08:10Z
    assert {(entry.uid, entry.gid) for entry, _ in first} == {(0, 0)}


def test_activation_scripts_of_a_wheel_are_reported(tmp_path: Path) -> None:
    script = "demo-1.0.data/data/etc/conda/activate.d/demo.sh"
    wheel = make_wheel(tmp_path, files={script: "export A=1\n"})
    _, link = linked(wheel, locked(wheel), PREFIX)
    assert link.report.activate == ("etc/conda/activate.d/demo.sh",)


@pytest.mark.parametrize("size", [10, 9 << 20], ids=["small", "large"])
def test_a_member_that_is_not_what_record_describes_is_refused(tmp_path: Path, size: int) -> None:
    digest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    wheel = make_wheel(tmp_path, files={"demo.bin": bytes(size)}, record=f"demo.bin,sha256={digest},0\n")
    with pytest.raises(InvalidPackage, match=r"demo\.bin' is not what its RECORD describes"):
        linked(wheel, locked(wheel), PREFIX)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_large_members_are_checked_by_the_hash_that_record_names(tmp_path: Path, algorithm: str) -> None:
    import base64

    content = bytes(9 << 20)
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
    wheel = make_wheel(tmp_path, files={"demo.bin": content}, record=f"demo.bin,{algorithm}={digest},{len(content)}\n")
    ours, _ = linked(wheel, locked(wheel), PREFIX)
    expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    assert f"demo.bin,sha256={expected},{len(content)}" in ours[f"{SITE}/demo-1.0.dist-info/RECORD"].content.decode()


def test_without_python_there_is_nothing_to_install_for(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    with pytest.raises(InvalidPackage, match="add python and pip"):
        linked(wheel, locked(wheel), Prefix("/opt/conda"))
