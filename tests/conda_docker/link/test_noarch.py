"""`noarch: python` packages: where their files go, and the scripts of their entry points."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.link.noarch import entry_point_script, entry_point_scripts, installed_path
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import open_package
from conda_docker.package.entry_points import EntryPoint
from tests.conda_docker.kinds import PYTHON
from tests.conda_docker.oracle import Rattler, differences, link, link_archives, locked
from tests.conda_docker.packages import SyntheticPackage

FLASK = EntryPoint("flask", "flask.cli", "main")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("site-packages/a/b.py", "lib/python3.12/site-packages/a/b.py"),
        ("python-scripts/a", "bin/a"),
        ("bin/a", "bin/a"),
        ("share/site-packages/a", "share/site-packages/a"),
        ("site-packages2/a", "site-packages2/a"),
        ("site-packages", "site-packages"),
    ],
)
def test_paths_are_mapped_by_their_first_folder(path: str, expected: str) -> None:
    assert installed_path(path, "lib/python3.12/site-packages") == expected


def test_scripts_come_in_order_and_those_that_are_kept() -> None:
    points = [FLASK, EntryPoint("b", "b", "main"), EntryPoint("a", "a", "main")]
    found = entry_point_scripts(points, Prefix("/opt/conda", "3.12"), lambda place: place != "bin/b")
    assert [(row.path, row.size == len(script)) for row, script in found] == [("bin/a", True), ("bin/flask", True)]


def test_an_entry_point_is_a_script() -> None:
    assert entry_point_script(FLASK, Prefix("/opt/conda", "3.12")) == (
        b"#!/opt/conda/bin/python3.12\n"
        b"# -*- coding: utf-8 -*-\n"
        b"import re\n"
        b"import sys\n"
        b"\n"
        b"from flask.cli import main\n"
        b"\n"
        b"if __name__ == '__main__':\n"
        b"\tsys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n"
        b"\tsys.exit(main())\n"
    )


def test_an_entry_point_may_be_an_attribute() -> None:
    script = entry_point_script(EntryPoint("c", "m", "C.run"), Prefix("/opt/conda", "3.12"))
    assert b"from m import C\n" in script
    assert b"sys.exit(C.run())\n" in script


def test_an_entry_point_runs(tmp_path: Path) -> None:
    script = tmp_path / "hello-script.py"
    script.write_bytes(entry_point_script(EntryPoint("hello", "m", "main"), Prefix("/opt/conda", "3.12")))
    (tmp_path / "m.py").write_text("import sys\ndef main():\n    print(sys.argv[0].rpartition('/')[2])\n    return 3\n")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (run.stdout, run.returncode) == ("hello\n", 3)


# With "/opt/", "/bin/python3.12" and "#!", 105 and 106 are the last that fit into 127 bytes and the first that do not.
@pytest.mark.parametrize("prefix", ["/opt/" + "p" * 105, "/opt/" + "p" * 106, "/opt/my conda", "/opt/é"])
def test_first_lines_of_entry_points_are_those_of_rattler(prefix: str, rattler: Rattler, tmp_path: Path) -> None:
    package = SyntheticPackage(name="np", noarch="python", depends=["python"], entry_points=["c = m:f"])
    archives = [package.write(tmp_path), PYTHON.write(tmp_path)]
    installed, _ = rattler.install(archives, prefix=prefix)
    assert differences(installed, link_archives(archives, prefix)) == []


def test_a_package_for_python_needs_one(tmp_path: Path) -> None:
    archive = SyntheticPackage(name="np", noarch="python", files={"site-packages/m.py": ""}).write(tmp_path)
    with pytest.raises(InvalidPackage, match="the environment has no package named python"):
        link(open_package(archive), locked(archive), Prefix("/opt/conda"))
