"""What linking gives beyond files: order, times, reports, what is left out, and bounded memory.

That the files are those that clients install is shown by `test_oracle.py`.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from conda_docker.errors import InvalidPackage, PlaceholderTooLong
from conda_docker.link.filter import FileFilter
from conda_docker.link.installed_paths import installed_paths
from conda_docker.link.link import LinkedPackage, link_package
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import UnsurveyedPackage, open_package
from python_docker.tar import EntryType, LayerWriter, TarEntry
from tests.conda_docker.kinds import KINDS, LONG, STRINGS, TEXT
from tests.conda_docker.oracle import PREFIX, link, locked, read_layer
from tests.conda_docker.packages import MTIME, Entry, File, Folder, HardLink, Symlink, SyntheticPackage
from tests.conda_docker.strategies import packages

HERE = Prefix(PREFIX, "3.12")
MADE = 1700000000


def linked(package: SyntheticPackage, folder: Path, **options: Any) -> LinkedPackage:
    archive = package.write(folder)
    return link_package(open_package(archive), locked(archive), HERE, **options)


def taken(package: LinkedPackage) -> list[tuple[TarEntry, bytes]]:
    return [(entry, content if isinstance(content, bytes) else content.read()) for entry, content in package]


def recorded(entries: list[tuple[TarEntry, bytes]]) -> dict[str, Any]:
    entry, content = entries[-1]
    assert entry.path.startswith("opt/conda/conda-meta/")
    record: dict[str, Any] = json.loads(content)
    return record


def places(entries: list[tuple[TarEntry, bytes]]) -> list[str]:
    return [entry.path.removeprefix("opt/conda/") for entry, _ in entries]


def test_entries_come_in_the_order_of_the_archive_and_the_record_at_last(tmp_path: Path) -> None:
    package = SyntheticPackage(
        name="np",
        noarch="python",
        files={"site-packages/z.py": "", "python-scripts/a": "", "etc/b": ""},
        entry_points=["y = m:f", "x = m:f"],
    )
    assert places(taken(linked(package, tmp_path))) == [
        "lib/python3.12/site-packages/z.py",
        "bin/a",
        "etc/b",
        "bin/x",
        "bin/y",
        "conda-meta/np-1.0-0.json",
    ]


def test_files_keep_their_times_and_what_is_made_has_the_package_s(tmp_path: Path) -> None:
    package = SyntheticPackage(
        name="np",
        noarch="python",
        timestamp=MADE * 1000 + 999,
        files={
            "plain": File(b"", mtime=12345),
            "hard": HardLink("plain", mtime=12345),
            "patched": File(TEXT, placeholder=LONG),
            "patched hard": HardLink("patched", placeholder=LONG),
            "patched then": File(TEXT, placeholder=LONG, mtime=MADE),
            "link": Symlink("plain", mtime=54321),
            "folder": Folder(listed=True, mtime=54321),
        },
        entry_points=["x = m:f"],
    )
    times = {entry.path.removeprefix("opt/conda/"): entry.mtime for entry, _ in taken(linked(package, tmp_path))}
    assert times == {
        "plain": 12345,
        "hard": 12345,
        "patched": MADE,
        "patched hard": MADE,
        # Were its time the same, a .pyc file made from it before would seem to fit.
        "patched then": MADE + 1,
        "link": MADE,
        "folder": MADE,
        "bin/x": MADE,
        "conda-meta/np-1.0-0.json": MADE,
    }


def test_without_a_timestamp_the_time_is_that_of_the_metadata(tmp_path: Path) -> None:
    entries = taken(linked(SyntheticPackage(name="a", about_mtime=MADE), tmp_path))
    assert [entry.mtime for entry, _ in entries] == [MADE]


def test_owners_are_root_and_modes_plain(tmp_path: Path) -> None:
    package = SyntheticPackage(
        name="a", files={"x": File(b"", mode=0o4711), "f": File(b"", mode=0o600), "l": Symlink("f")}
    )
    entries = taken(linked(package, tmp_path))
    assert [oct(entry.mode) for entry, _ in entries] == ["0o755", "0o644", "0o777", "0o644"]
    assert {(entry.uid, entry.gid) for entry, _ in entries} == {(0, 0)}


def test_hard_links_stay_links_to_the_first_name(tmp_path: Path) -> None:
    package = SyntheticPackage(
        name="a",
        files={
            "f": File(TEXT, placeholder=LONG),
            "g": HardLink("f", placeholder=LONG),
            "h": HardLink("g", placeholder=LONG),
        },
    )
    kinds = [(entry.type, entry.link_target) for entry, _ in taken(linked(package, tmp_path))[1:3]]
    assert kinds == [(EntryType.HARDLINK, "opt/conda/f")] * 2


def test_a_hard_link_to_a_symbolic_link_is_that_link(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"l": Symlink("x"), "h": HardLink("l")})
    entry, _ = taken(linked(package, tmp_path))[1]
    assert (entry.path, entry.type, entry.link_target) == ("opt/conda/h", EntryType.SYMLINK, "x")


FILTERED = SyntheticPackage(
    name="a",
    files={
        "lib/libz.a": b"archive",
        "lib/libz.so": b"library",
        "lib/hard.so": HardLink("lib/libz.a"),
        "lib/link.a": Symlink("libz.a"),
        "share/x.js.map": b"map",
        "share/doc/README": b"read me",
    },
)


def test_what_the_filter_leaves_out_is_counted_and_not_recorded(tmp_path: Path) -> None:
    package = linked(
        replace(FILTERED, files={**FILTERED.files, "lib/hard.so": b"h"}), tmp_path, filter=FileFilter(True, True)
    )
    entries = taken(package)
    kept = ["lib/libz.so", "lib/hard.so", "share/doc/README"]
    assert places(entries)[:-1] == kept
    record = recorded(entries)
    assert record["files"] == [row["_path"] for row in record["paths_data"]["paths"]] == sorted(kept)
    assert (package.report.trimmed_files, package.report.trimmed_bytes) == (3, len(b"archive") + len(b"map"))


def test_a_hard_link_to_a_file_that_is_left_out_has_its_content(tmp_path: Path) -> None:
    archive = FILTERED.write(tmp_path)
    tree = read_layer(link(open_package(archive), locked(archive), filter=FileFilter(True, True, exclude=("share",))))
    assert tree["lib/hard.so"].content == b"archive"
    assert "lib/libz.a" not in tree
    assert "share" not in tree


@pytest.mark.parametrize("size", [10, 9 << 20])
def test_a_content_that_is_held_can_be_had_several_times(size: int, tmp_path: Path) -> None:
    content = bytes(range(10)) * (size // 10)
    files: dict[str, Entry | bytes] = {"f": content, "g": HardLink("f"), "h": HardLink("f")}
    archive = SyntheticPackage(name="a", files=files, unlisted=["f"], legacy_paths=True).write(tmp_path)
    tree = read_layer(link(open_package(archive), locked(archive)))
    assert (tree["g"].content, tree["h"].content) == (content, content)


def test_the_record_is_never_a_file_of_the_package(tmp_path: Path) -> None:
    package = SyntheticPackage(name="A", files={"conda-meta/a-1.0-0.json": "own", "conda-meta/pinned": "p"})
    entries = taken(linked(package, tmp_path))
    assert places(entries) == ["conda-meta/pinned", "conda-meta/a-1.0-0.json"]
    assert recorded(entries)["files"] == ["conda-meta/pinned"]


def test_a_survey_is_asked_for_only_when_one_pass_cannot_do(tmp_path: Path) -> None:
    archive = FILTERED.write(tmp_path)
    package = open_package(archive)
    taken(link_package(package, locked(archive), HERE))
    with pytest.raises(
        UnsurveyedPackage, match=r"a-1\.0-0\.conda: the hard link 'lib/hard\.so' needs the content"
    ) as caught:
        taken(link_package(package, locked(archive), HERE, filter=FileFilter(True, True)))
    assert caught.value.package is package
    package.survey()
    assert taken(link_package(package, locked(archive), HERE, filter=FileFilter(True, True)))


def test_a_hard_link_to_what_comes_after_it_is_refused(tmp_path: Path) -> None:
    files: dict[str, Entry | bytes | str] = {"b": HardLink("a"), "a": File(b"a", placeholder=LONG)}
    archive = SyntheticPackage(name="a", files=files).write(tmp_path)
    package = open_package(archive)
    package.survey()
    with pytest.raises(InvalidPackage, match="needs the content of 'a', which does not come before it"):
        taken(link_package(package, locked(archive), HERE))


def test_entry_points_can_be_left_out(tmp_path: Path) -> None:
    package = SyntheticPackage(name="np", noarch="python", entry_points=["x = m:f", "y = m:f"])
    entries = taken(linked(package, tmp_path, filter=FileFilter(exclude=("bin/x",))))
    assert places(entries) == ["bin/y", "conda-meta/np-1.0-0.json"]
    assert recorded(entries)["files"] == ["bin/y"]


def test_what_another_package_wins_is_recorded_and_not_there(tmp_path: Path) -> None:
    package = SyntheticPackage(
        name="np",
        noarch="python",
        files={"site-packages/m.py": "m", "f": "f", "g": HardLink("f")},
        entry_points=["x = m:f"],
    )
    lost = ["lib/python3.12/site-packages/m.py", "bin/x", "f"]
    archive = package.write(tmp_path)
    tree = read_layer(link(open_package(archive), locked(archive), HERE, without=lost))
    assert sorted(path for path, item in tree.items() if item.type is EntryType.FILE) == [
        "conda-meta/np-1.0-0.json",
        "g",
    ]
    assert tree["g"].content == b"f"
    record = json.loads(tree["conda-meta/np-1.0-0.json"].content)
    assert record["files"] == sorted([*lost, "g"])


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(package=packages())
def test_the_paths_known_before_linking_are_those_of_the_layer(package: SyntheticPackage, tmp_path: Path) -> None:
    archive = package.write(tmp_path)
    record, opened = locked(archive), open_package(archive)
    tree = read_layer(link(opened, record, HERE))
    files = {path for path, item in tree.items() if item.type is not EntryType.DIRECTORY}
    assert files == {*installed_paths(opened, HERE), "conda-meta/a-1.0-0.json"}


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(package=packages())
def test_the_same_package_gives_the_same_bytes(package: SyntheticPackage, tmp_path: Path) -> None:
    archive = package.write(tmp_path)
    record, opened = locked(archive), open_package(archive)
    assert link(opened, record, HERE) == link(open_package(archive), record, HERE)


def test_the_report_tells_of_scripts_and_variables(tmp_path: Path) -> None:
    package = linked(KINDS["scripts"][0], tmp_path)
    taken(package)
    report = package.report
    assert report.link_scripts == ("bin/.a-post-link.sh", "bin/.a-pre-unlink.sh")
    assert report.post_link
    assert report.activate == ("etc/conda/activate.d/a.sh",)
    assert report.variables == {"a.json": {"A": "1"}}
    assert report.paths == [*KINDS["scripts"][0].files, "conda-meta/a-1.0-0.json"]


def test_scripts_of_other_packages_and_in_other_places_are_just_files(tmp_path: Path) -> None:
    names = ["bin/.b-post-link.sh", "bin/a-post-link.sh", "etc/conda/activate.d/x/a.sh", "etc/conda/activate.d/a.csh"]
    names += ["etc/conda/deactivate.d/a.sh", "share/etc/conda/activate.d/a.sh"]
    package = linked(SyntheticPackage(name="a", files=dict.fromkeys(names, "x")), tmp_path)
    taken(package)
    assert (package.report.link_scripts, package.report.activate, package.report.post_link) == ((), (), False)


@pytest.mark.parametrize(
    ("content", "variables"),
    [
        ('{"A": "1", "B": 2, "C": true, "D": null}', {"f": {"A": "1", "B": "2", "C": "true", "D": "null"}}),
        ("{}", {"f": {}}),
        ("[]", {}),
        ("nonsense", {}),
        ("[" * 100_000, {}),
        (f'{{"HOME": "{LONG}/share"}}', {"f": {"HOME": "/opt/conda/share"}}),
    ],
)
def test_variables_are_read_from_any_file_of_their_folder(
    content: str, variables: dict[str, Any], tmp_path: Path
) -> None:
    file = File(content.encode(), placeholder=LONG)
    package = linked(SyntheticPackage(name="a", files={"etc/conda/env_vars.d/f": file}), tmp_path)
    taken(package)
    assert package.report.variables == variables


@pytest.mark.parametrize(("field", "value"), [("name", "b"), ("version", "2.0"), ("build", "1")])
def test_a_package_that_is_another_than_its_record_says_is_refused(field: str, value: str, tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a").write(tmp_path)
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0\.conda is a-1\.0-0, not "):
        link_package(open_package(archive), locked(archive, **{field: value}), HERE)


@pytest.mark.parametrize("size", [0, 9 << 20])
def test_a_prefix_too_long_for_a_binary_names_package_and_file(size: int, tmp_path: Path) -> None:
    content = STRINGS + b"\1" * size
    archive = SyntheticPackage(name="a", files={"lib/x.so": File(content, placeholder=LONG, file_mode="binary")}).write(
        tmp_path
    )
    with pytest.raises(PlaceholderTooLong, match=r"a-1\.0-0\.conda: lib/x\.so: the prefix '/pp"):
        link(open_package(archive), locked(archive), Prefix("/" + "p" * len(LONG)))


BIG = {
    "plain": File(bytes(range(256)) * (40 << 12)),
    "text": File((TEXT + bytes(1 << 20)) * 12, placeholder=LONG),
    "binary": File((STRINGS + b"x" * (1 << 20)) * 12, placeholder=LONG, file_mode="binary"),
    "unlisted size": File(bytes(12 << 20)),
}


@pytest.mark.parametrize("name", BIG)
def test_large_files_are_linked_like_small_ones_without_being_in_memory(name: str, tmp_path: Path) -> None:
    file = BIG[name]
    package = SyntheticPackage(name="a", files={"f": file}, legacy_paths=name == "unlisted size")
    archive = package.write(tmp_path)
    record, opened = locked(archive), open_package(archive)
    small = file.content
    if file.placeholder and file.file_mode == "text":
        small = small.replace(LONG.encode(), b"/opt/conda")
    elif file.placeholder:
        padding = 2 * (len(LONG) - len("/opt/conda"))
        replaced = b"aa:/opt/conda/lib:/opt/conda/lib64" + bytes(padding) + b"\0tail\0"
        small = small.replace(STRINGS, replaced)
    sink = hashlib.sha256()
    sizes: list[int] = []
    tracemalloc.start()
    with LayerWriter(sink.update) as layer:
        for entry, content in link_package(opened, record, HERE):
            layer.add(entry, content)
            sizes.append(entry.size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20
    assert sizes[0] == len(small)
    tree = read_layer(link(opened, record, HERE))
    assert tree["f"].content == small
    row = json.loads(tree["conda-meta/a-1.0-0.json"].content)["paths_data"]["paths"][0]
    assert row.get("sha256_in_prefix", row.get("sha256")) == hashlib.sha256(small).hexdigest()
    assert row["size_in_bytes"] == len(small)


def test_contents_that_are_not_taken_do_not_disturb_the_next(tmp_path: Path) -> None:
    files = {"plain": BIG["plain"], "text": BIG["text"], "binary": BIG["binary"], "last": File(b"last")}
    entries = list(linked(SyntheticPackage(name="a", files=files), tmp_path))
    assert entries[3][1] == b"last"
    rows = recorded([(entry, content if isinstance(content, bytes) else b"") for entry, content in entries])[
        "paths_data"
    ]["paths"]
    assert {row["_path"]: len(row.get("sha256_in_prefix", "")) for row in rows} == {
        "binary": 64,
        "last": 64,
        "plain": 64,
        "text": 64,
    }


def test_a_layer_is_a_tar_that_others_read(tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a", files={"bin/f": File(b"f", mode=0o755), "bin/g": HardLink("bin/f")}).write(
        tmp_path
    )
    with tarfile.open(fileobj=io.BytesIO(link(open_package(archive), locked(archive)))) as tar:
        names = {member.name: (member.type, member.mode, member.mtime) for member in tar}
    assert names["opt/conda/bin/f"] == (tarfile.REGTYPE, 0o755, MTIME)
    assert names["opt/conda/bin/g"] == (tarfile.LNKTYPE, 0o755, MTIME)
    assert names["opt/conda"][:2] == (tarfile.DIRTYPE, 0o755)
