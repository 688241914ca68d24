"""Records in conda-meta: text that other clients read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rattler import PrefixRecord

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.link.record import InstalledPath, Observed, installed_file, package_fields, prefix_record
from conda_docker.package.metadata import FileMode, PathEntry, PathType

PACKAGE = package_from_record(
    {
        "name": "demo",
        "version": "1.0",
        "build": "h_0",
        "build_number": 0,
        "subdir": "noarch",
        "noarch": "python",
        "depends": ["python >=3.9"],
        "constrains": [],
        "license": "BSD-3-Clause",
        "timestamp": 1700000000000,
        "md5": "0" * 32,
        "sha256": "1" * 64,
        "size": 1234,
        "url": "https://user:secret@conda.example.org/t/tk-secret/team/noarch/demo-1.0-h_0.conda",
        "requested_specs": ["demo"],
        "extracted_package_dir": "/home/me/pkgs/demo-1.0-h_0",
    }
)
ROWS = [
    InstalledPath("bin/demo", "unix_python_entry_point", sha256="2" * 64, size=200),
    InstalledPath(
        'etc/é "x".conf', "hardlink", True, "3" * 64, "4" * 64, 17, FileMode.TEXT, "/build/placehold_placehold"
    ),
    InstalledPath("lib/libz.so", "softlink", size=9),
    InstalledPath("lib/__pycache__/m.cpython-312.pyc", "pyc_file", size=300),
]

SNAPSHOT = """\
{
  "build": "h_0",
  "build_number": 0,
  "depends": [
    "python >=3.9"
  ],
  "license": "BSD-3-Clause",
  "md5": "00000000000000000000000000000000",
  "name": "demo",
  "noarch": "python",
  "sha256": "1111111111111111111111111111111111111111111111111111111111111111",
  "size": 1234,
  "subdir": "noarch",
  "timestamp": 1700000000000,
  "version": "1.0",
  "fn": "demo-1.0-h_0.conda",
  "url": "https://conda.example.org/team/noarch/demo-1.0-h_0.conda",
  "channel": "https://conda.example.org/team/",
  "requested_specs": [],
  "package_type": "noarch_python",
  "files": [
    "bin/demo",
    "etc/é \\"x\\".conf",
    "lib/libz.so",
    "lib/__pycache__/m.cpython-312.pyc"
  ],
  "paths_data": {
    "paths_version": 1,
    "paths": [
      {
        "_path": "bin/demo",
        "path_type": "unix_python_entry_point",
        "sha256": "2222222222222222222222222222222222222222222222222222222222222222",
        "size_in_bytes": 200
      },
      {
        "_path": "etc/é \\"x\\".conf",
        "path_type": "hardlink",
        "no_link": true,
        "sha256": "3333333333333333333333333333333333333333333333333333333333333333",
        "sha256_in_prefix": "4444444444444444444444444444444444444444444444444444444444444444",
        "size_in_bytes": 17,
        "file_mode": "text",
        "prefix_placeholder": "/build/placehold_placehold"
      },
      {
        "_path": "lib/libz.so",
        "path_type": "softlink",
        "size_in_bytes": 9
      },
      {
        "_path": "lib/__pycache__/m.cpython-312.pyc",
        "path_type": "pyc_file",
        "size_in_bytes": 300
      }
    ]
  }
}"""


def written(package: LockedPackage, rows: list[InstalledPath]) -> bytes:
    return b"".join(prefix_record(package, rows))


def test_a_record_is_this_text() -> None:
    assert written(PACKAGE, ROWS).decode() == SNAPSHOT


def test_no_credentials_and_no_folder_of_this_machine_are_recorded() -> None:
    text = written(PACKAGE, ROWS).decode()
    assert "secret" not in text
    assert "/home/me" not in text


def test_a_record_without_files() -> None:
    record = json.loads(written(PACKAGE, []))
    assert (record["files"], record["paths_data"]["paths"]) == ([], [])
    assert written(PACKAGE, []).endswith(
        b'"files": [],\n  "paths_data": {\n    "paths_version": 1,\n    "paths": []\n  }\n}'
    )


@pytest.mark.parametrize("count", [1, 511, 512, 513, 1500])
def test_a_record_of_any_length_is_what_json_writes(count: int) -> None:
    rows = [InstalledPath(f"f{number}", "hardlink", sha256="0" * 64, size=number) for number in range(count)]
    text = written(PACKAGE, rows).decode()
    assert json.dumps(json.loads(text), indent=2, ensure_ascii=False) == text


def test_rattler_reads_a_record(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0-h_0.json"
    path.write_bytes(written(PACKAGE, ROWS))
    record = PrefixRecord.from_path(path)
    assert record.name.normalized == "demo"
    assert [str(file) for file in record.files] == [row.path for row in ROWS]
    assert len(record.paths_data.paths) == len(ROWS)


def test_the_fields_of_the_package_are_those_that_clients_know() -> None:
    index = {
        "name": "a",
        "version": "1",
        "build": "0",
        "url": "file:///c/linux-64/a-1-0.conda",
        "purls": ["pkg:pypi/a"],
    }
    package = package_from_record(index | {"unknown": 1, "features": "", "license": None, "channel": "x"})
    assert list(package_fields(package)) == [
        "build", "build_number", "depends", "name", "purls", "subdir", "version", "fn", "url", "channel",
    ]  # fmt: skip


PLAIN = PathEntry("f", sha256="a" * 64, size=3)
PATCHED = PLAIN._replace(placeholder="/build", file_mode=FileMode.TEXT)


@pytest.mark.parametrize(
    ("entry", "observed", "expected"),
    [
        (PLAIN, None, InstalledPath("f", "hardlink", False, "a" * 64, "a" * 64, 3)),
        (PLAIN, Observed(0o644, "b" * 64, 4), InstalledPath("f", "hardlink", False, "a" * 64, "a" * 64, 3)),
        (
            PATCHED,
            Observed(0o644, "b" * 64, 4),
            InstalledPath("f", "hardlink", False, "a" * 64, "b" * 64, 4, "text", "/build"),
        ),
        (
            PATCHED,
            Observed(0o644, "a" * 64, 3),
            InstalledPath("f", "hardlink", False, "a" * 64, "a" * 64, 3, "text", "/build"),
        ),
        (
            PathEntry("f", None),
            Observed(0o777, "b" * 64, 4, PathType.SOFTLINK),
            InstalledPath("f", "softlink", size=4),
        ),
        (PathEntry("f", None), None, InstalledPath("f", "hardlink")),
    ],
)
def test_what_is_recorded_of_a_file(entry: PathEntry, observed: Observed | None, expected: InstalledPath) -> None:
    assert installed_file("f", entry, observed) == expected
