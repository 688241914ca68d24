"""Reading the archives of packages: both formats, in any order, honest or hostile."""

from __future__ import annotations

import json
import random
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.package.archive import Package, UnsurveyedPackage, open_package
from conda_docker.package.metadata import stated_origin
from python_docker.streams.compression import zstd_module
from python_docker.tar import EntryType
from tests.conda_docker.kinds import listed, member
from tests.conda_docker.oracle import Rattler, RattlerFailed, link, locked, read_layer
from tests.conda_docker.packages import MTIME, File, Folder, HardLink, Symlink, SyntheticPackage

zstd = zstd_module()

PLAIN = SyntheticPackage(name="a", files={"bin/a": File(b"a", mode=0o755), "lib/b": "b"})


def contents(package: Package) -> dict[str, bytes]:
    return {entry.path: content.read() for entry, content in package.entries()}


def write_conda(path: Path, members: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return path


def sections(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_entries_are_the_payload_in_the_order_of_the_archive(suffix: str, tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"z": "z", "b/c": File(b"c", mode=0o755), "a": Symlink("z")})
    entries = [entry for entry, _ in open_package(package.write(tmp_path, suffix)).entries()]
    assert [(entry.path, entry.type, entry.mode) for entry in entries] == [
        ("z", EntryType.FILE, 0o644),
        ("b/c", EntryType.FILE, 0o755),
        ("a", EntryType.SYMLINK, 0o777),
    ]
    assert {entry.mtime for entry in entries} == {MTIME}


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_entries_can_be_read_again(suffix: str, tmp_path: Path) -> None:
    package = open_package(PLAIN.write(tmp_path, suffix))
    assert contents(package) == contents(package) == {"bin/a": b"a", "lib/b": b"b"}


@pytest.mark.parametrize("time", ["1e5", "yesterday", "99999999999999999999"])
def test_a_time_that_is_not_a_number_is_that_of_the_header(tmp_path: Path, time: str, rattler: Rattler) -> None:
    odd = tarfile.TarInfo("f")
    odd.mtime, odd.size, odd.pax_headers = MTIME, 1, {"mtime": time, "uid": "me"}
    archive = SyntheticPackage(name="a", more_members=[(odd, b"f")], listed=[listed("f")]).write(tmp_path)
    [(entry, _)] = open_package(archive).entries()
    assert entry.mtime == MTIME
    assert rattler.install([archive])[0]["f"].content == b"f"


def test_info_may_come_after_the_payload(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"f": "f"}, info_last=True)
    opened = open_package(package.write(tmp_path, ".tar.bz2"))
    assert [entry.path for entry in opened.metadata.paths] == ["f"]
    assert contents(opened) == {"f": b"f"}


def test_payload_after_the_metadata_is_not_read_on_opening(tmp_path: Path) -> None:
    payload = random.Random(1).randbytes(4 << 20)
    archive = SyntheticPackage(name="a", timestamp=1600000000000, files={"f": payload}).write(tmp_path, ".tar.bz2")
    archive.write_bytes(archive.read_bytes()[: 3 << 20])
    assert open_package(archive).metadata.name == "a"


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_a_renamed_archive_is_told_by_its_content(suffix: str, tmp_path: Path) -> None:
    archive = PLAIN.write(tmp_path, suffix).rename(tmp_path / "renamed")
    assert open_package(archive).metadata.stem == "a-1.0-0"


def test_sections_may_come_in_any_order_and_without_format_file(tmp_path: Path) -> None:
    found = sections(PLAIN.write(tmp_path))
    archive = write_conda(
        tmp_path / "b.conda", [(name, found[name]) for name in sorted(found) if name != "metadata.json"]
    )
    assert contents(open_package(archive)) == {"bin/a": b"a", "lib/b": b"b"}


def test_sections_may_have_several_frames(tmp_path: Path) -> None:
    found = sections(PLAIN.write(tmp_path))
    tar = zstd.decompress(found["pkg-a-1.0-0.tar.zst"])
    found["pkg-a-1.0-0.tar.zst"] = zstd.compress(tar[:700]) + zstd.compress(tar[700:])
    assert contents(open_package(write_conda(tmp_path / "b.conda", found.items()))) == {"bin/a": b"a", "lib/b": b"b"}


@pytest.mark.parametrize("log", [27, 28])
def test_sections_have_the_windows_that_clients_read(tmp_path: Path, log: int, rattler: Rattler) -> None:
    found = sections(SyntheticPackage(name="a", files={"f": bytes(1000)}).write(tmp_path))
    tar = zstd.decompress(found["pkg-a-1.0-0.tar.zst"])
    parameter = zstd.CompressionParameter
    compressor = zstd.ZstdCompressor(options={parameter.window_log: log, parameter.enable_long_distance_matching: 1})
    # Without the size in its header, a frame states its window.
    found["pkg-a-1.0-0.tar.zst"] = compressor.compress(tar[:10]) + compressor.compress(tar[10:], mode=2)
    archive = write_conda(tmp_path / "a-1.0-0.conda", found.items())
    if log == 27:
        assert contents(open_package(archive)) == {"f": bytes(1000)}
        assert rattler.install([archive])[0]["f"].content == bytes(1000)
        return
    with pytest.raises(InvalidPackage, match="damaged"):
        contents(open_package(archive))
    with pytest.raises(RattlerFailed):
        rattler.install([archive])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}"])
def test_an_outer_metadata_that_says_nothing_is_passed_over(tmp_path: Path, content: bytes, rattler: Rattler) -> None:
    found = sections(PLAIN.write(tmp_path)) | {"metadata.json": content}
    archive = write_conda(tmp_path / "a-1.0-0.conda", found.items())
    assert contents(open_package(archive)) == {"bin/a": b"a", "lib/b": b"b"}
    assert set(rattler.install([archive])[0]) >= {"bin/a", "lib/b"}


@pytest.mark.parametrize("name", ["index.json", "paths.json"])
def test_a_small_archive_has_no_large_metadata(tmp_path: Path, name: str) -> None:
    package = SyntheticPackage(name="a", info={name: b"{" + b" " * (17 << 20) + b"}"})
    with pytest.raises(InvalidPackage, match=rf"info/{name} has 1\d+ bytes; at most 1\d+ are read"):
        open_package(package.write(tmp_path))


def test_folders_are_given(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"d": Folder(mode=0o700)})
    assert [entry.type for entry, _ in open_package(package.write(tmp_path)).entries()] == [EntryType.DIRECTORY]


def test_info_members_of_the_payload_are_left_out(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"info/x": "x", "f": "f"}, unlisted=["info/x"])
    assert contents(open_package(package.write(tmp_path))) == {"f": b"f"}


def test_members_written_through_a_link_are_where_extracting_puts_them(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"l": Symlink("x/../lib"), "m": Symlink("l"), "m/f": "f"})
    assert "lib/f" in contents(open_package(package.write(tmp_path)))


HOSTILE = {
    "absolute name": SyntheticPackage(name="a", more_members=[member("/etc/passwd", content=b"x")]),
    "name that leaves": SyntheticPackage(name="a", more_members=[member("x/../../y", content=b"x")]),
    "absolute path in the manifest": SyntheticPackage(name="a", listed=[listed("/etc/passwd")]),
    "path in the manifest that leaves": SyntheticPackage(name="a", listed=[listed("../x")]),
    "path in the manifest with a NUL": SyntheticPackage(name="a", listed=[listed("a\0b")]),
    "empty path in the manifest": SyntheticPackage(name="a", listed=[listed("")]),
    "path in the manifest that is no text": SyntheticPackage(name="a", listed=[listed("\udc80")]),
    "hard link that leaves": SyntheticPackage(
        name="a", more_members=[member("f", tarfile.LNKTYPE, link="../../etc/passwd")]
    ),
    "absolute hard link": SyntheticPackage(name="a", more_members=[member("f", tarfile.LNKTYPE, link="/etc/passwd")]),
    "character device": SyntheticPackage(name="a", more_members=[member("f", tarfile.CHRTYPE)]),
    "block device": SyntheticPackage(name="a", more_members=[member("f", tarfile.BLKTYPE)]),
    "fifo in the manifest": SyntheticPackage(
        name="a", listed=[listed("f")], more_members=[member("f", tarfile.FIFOTYPE)]
    ),
    "member through an absolute link": SyntheticPackage(
        name="a", files={"l": Symlink("/etc"), "l/f": "f"}, unlisted=["l/f"]
    ),
    "member through a link that leaves": SyntheticPackage(
        name="a", files={"l": Symlink("../.."), "l/f": "f"}, unlisted=["l/f"]
    ),
    "member through links in a circle": SyntheticPackage(
        name="a", files={"l": Symlink("m"), "m": Symlink("l"), "l/f": "f"}, unlisted=["l/f"]
    ),
    "file below a file": SyntheticPackage(name="a", files={"f": "f", "f/g": "g"}),
    "file below a link": SyntheticPackage(name="a", files={"lib": Symlink("x"), "lib/g": "g"}),
    "hard link to nothing": SyntheticPackage(name="a", files={"g": HardLink("f")}),
    "hard link before its target": SyntheticPackage(name="a", files={"g": HardLink("f"), "f": "f"}),
    "file that is not there": SyntheticPackage(name="a", listed=[listed("f")]),
    "no manifest": SyntheticPackage(name="a", info={"paths.json": None}),
    "no index.json": SyntheticPackage(name="a", info={"index.json": None}),
    "index.json that is no JSON": SyntheticPackage(name="a", info={"index.json": b"{"}),
    "index.json of many levels": SyntheticPackage(name="a", info={"index.json": b"[" * 100_000}),
    "name that leaves conda-meta": SyntheticPackage(name="a", index={"name": "../x"}),
    "entry point that leaves": SyntheticPackage(name="a", noarch="python", entry_points=["../x = m:f"]),
    "entry point that runs code": SyntheticPackage(name="a", noarch="python", entry_points=["x = m:f(); evil"]),
    "paths.json that is no object": SyntheticPackage(name="a", info={"paths.json": b"[]"}),
}


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_package_is_refused_by_name(kind: str, suffix: str, tmp_path: Path) -> None:
    archive = HOSTILE[kind].write(tmp_path, suffix)
    record = locked(PLAIN.write(tmp_path / "plain", suffix))
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0"):
        link(open_package(archive), record)


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_an_archive_that_is_cut_anywhere_is_refused_by_name(suffix: str, tmp_path: Path) -> None:
    whole = SyntheticPackage(name="a", files={"f": bytes(range(256)) * 20}).write(tmp_path, suffix)
    content, record = whole.read_bytes(), locked(whole)
    for length in range(0, len(content) - 1, max(len(content) // 100, 1)):
        whole.write_bytes(content[:length])
        with pytest.raises(InvalidPackage, match=r"a-1\.0-0"):
            link(open_package(whole), record)


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_a_flipped_bit_gives_the_right_files_or_an_error(suffix: str, tmp_path: Path) -> None:
    whole = SyntheticPackage(name="a", files={"f": bytes(range(256)) * 20}).write(tmp_path, suffix)
    content, record = whole.read_bytes(), locked(whole)
    # The content of a .conda's members is not checked here: that is what the sha256 of the whole archive is for.
    for place in range(0, len(content), max(len(content) // 300, 1)):
        whole.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        message = "a-1.0-0"
        try:
            read_layer(link(open_package(whole), record))
        except InvalidPackage as error:
            message = str(error)
        assert "a-1.0-0" in message


def test_zip_members_that_are_compressed_are_refused(tmp_path: Path) -> None:
    found = sections(PLAIN.write(tmp_path))
    archive = write_conda(tmp_path / "b.conda", found.items(), zipfile.ZIP_DEFLATED)
    with pytest.raises(InvalidPackage, match="compressed or encrypted"):
        open_package(archive)


def test_a_section_that_is_missing_or_there_twice_is_refused(tmp_path: Path) -> None:
    found = sections(PLAIN.write(tmp_path))
    with pytest.raises(InvalidPackage, match="has none"):
        open_package(write_conda(tmp_path / "none.conda", [("metadata.json", found["metadata.json"])]))
    with pytest.raises(InvalidPackage, match="has 2 of them"):
        open_package(write_conda(tmp_path / "two.conda", [("info-x.tar.zst", b""), ("info-y.tar.zst", b"")]))


@pytest.mark.parametrize("version", ['"2"', "2.0", '"two"', "1", "[]", "true"])
def test_a_format_that_is_spelled_otherwise_does_no_harm(version: str, tmp_path: Path) -> None:
    outer = f'{{"conda_pkg_format_version": {version}}}'.encode()
    found = sections(PLAIN.write(tmp_path)) | {"metadata.json": outer}
    assert open_package(write_conda(tmp_path / "b.conda", found.items())).metadata.name == PLAIN.name


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    found = sections(PLAIN.write(tmp_path)) | {"metadata.json": b'{"conda_pkg_format_version": 3}'}
    with pytest.raises(InvalidPackage, match="version 3"):
        open_package(write_conda(tmp_path / "b.conda", found.items()))


@pytest.mark.parametrize("content", [b"", b"P", b"PK\3\4", b"BZh9", b"<html>", bytes(1000)])
def test_what_is_no_package_is_refused(content: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "a-1.0-0.conda"
    archive.write_bytes(content)
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0\.conda"):
        open_package(archive)


def test_a_package_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match="there is no package at"):
        open_package(tmp_path / "a-1.0-0.conda")


def test_metadata_of_an_absurd_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conda_docker.package.archive._MAX_METADATA", 1 << 20)
    package = SyntheticPackage(
        name="a", info={"index.json": json.dumps(PLAIN.index_json()).encode() + b" " * (2 << 20)}
    )
    for suffix in (".conda", ".tar.bz2"):
        with pytest.raises(InvalidPackage, match=r"info/index\.json has \d+ bytes"):
            open_package(package.write(tmp_path, suffix))
    with pytest.raises(InvalidPackage, match=r"info/index\.json has more than \d+ bytes"):
        open_package(package.extract(tmp_path))


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("name", ["index.json", "about.json"])
def test_metadata_of_many_values_takes_little_memory(name: str, suffix: str, tmp_path: Path) -> None:
    index = json.dumps(PLAIN.index_json() | {"timestamp": 1}).removesuffix("}")
    many = f'{index}, "x": [{"[]," * 3_500_000}[]]}}'.encode()
    archive = SyntheticPackage(name="a", info={name: many}).write(tmp_path, suffix)
    tracemalloc.start()
    try:
        with suppress(InvalidPackage):
            assert stated_origin(open_package(archive).metadata.about) == {}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(many)  # a list takes 56 bytes for its three


def test_info_without_end_is_not_decompressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conda_docker.package.archive._MAX_IGNORED", 1000)
    package = SyntheticPackage(name="a", info={"test/data": bytes(2000)})
    with pytest.raises(InvalidPackage, match="its metadata is not within"):
        open_package(package.write(tmp_path))


def test_payload_in_no_manifest_is_not_decompressed_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conda_docker.package.archive._MAX_IGNORED", 1000)
    package = SyntheticPackage(name="a", files={"f": bytes(2000)}, unlisted=["f"])
    with pytest.raises(InvalidPackage, match="in no manifest"):
        contents(open_package(package.write(tmp_path)))


def test_a_payload_without_metadata_is_not_decompressed_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conda_docker.package.archive._MAX_IGNORED", 1000)
    package = SyntheticPackage(name="a", files={"f": bytes(20 << 20)}, info_last=True)
    with pytest.raises(InvalidPackage, match="its metadata is not within"):
        open_package(package.write(tmp_path, ".tar.bz2"))


def test_a_member_much_larger_than_its_manifest_says_is_refused(tmp_path: Path) -> None:
    files = {"f": bytes(17 << 20)}
    package = SyntheticPackage(name="a", files=files, unlisted=["f"], listed=[listed("f", size_in_bytes=10)])
    with pytest.raises(InvalidPackage, match="'f' has 17825792 bytes, its manifest says 10"):
        contents(open_package(package.write(tmp_path)))


def test_a_fifo_that_the_manifest_does_not_list_is_left_alone(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"f": "f"}, more_members=[member("pipe", tarfile.FIFOTYPE)])
    assert [entry.path for entry, _ in open_package(package.write(tmp_path)).entries()] == ["f"]


def test_the_root_of_a_tar_is_no_file(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"./f": "f"}, more_members=[member("./", tarfile.DIRTYPE)])
    assert contents(open_package(package.write(tmp_path))) == {"f": b"f"}


def test_a_path_that_cannot_be_opened_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0\.conda cannot be read: Not a directory"):
        open_package(tmp_path / "file" / "a-1.0-0.conda")


def test_an_archive_that_goes_away_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = PLAIN.write(tmp_path)
    package = open_package(path)
    path.unlink()
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0\.conda cannot be read: No such file"):
        contents(package)


def test_a_member_that_comes_again_needs_a_survey(tmp_path: Path) -> None:
    package = open_package(
        SyntheticPackage(name="a", files={"f": "first"}, more_members=[member("./f", content=b"last")]).write(tmp_path)
    )
    assert [content.read() for _, content in package.entries()] == [b"first", b"last"]
    package.survey()
    assert [content.read() for _, content in package.entries()] == [b"last"]


def test_a_survey_finds_the_targets_of_hard_links(tmp_path: Path) -> None:
    package = open_package(SyntheticPackage(name="a", files={"f": "f", "g": "g", "h": HardLink("f")}).write(tmp_path))
    assert package.hard_link_targets is None
    package.survey()
    assert package.hard_link_targets == {"f"}


def test_what_needs_a_survey_says_so(tmp_path: Path) -> None:
    package = open_package(SyntheticPackage(name="a", files={"f": "f"}).write(tmp_path))
    error = UnsurveyedPackage(package, "'f' is in it twice")
    assert isinstance(error, InvalidPackage)
    assert str(error) == "a-1.0-0.conda: 'f' is in it twice"
    assert error.package is package


def test_contents_of_any_size_come_as_they_are(tmp_path: Path) -> None:
    sizes = [0, 1, 511, 512, 513, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 3 << 20]
    package = SyntheticPackage(name="a", files={f"f{size}": bytes(size) for size in sizes})
    assert contents(open_package(package.write(tmp_path))) == {f"f{size}": bytes(size) for size in sizes}


def test_contents_that_are_not_read_are_passed_over(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"big": bytes(3 << 20), "small": "s"})
    entries = open_package(package.write(tmp_path)).entries()
    next(entries)
    assert next(entries)[1].read() == b"s"


def test_files_are_closed(tmp_path: Path) -> None:
    # Files left open would be ResourceWarnings, which are errors in tests.
    path = SyntheticPackage(name="a", files={"f": "f", "g": "g"}).write(tmp_path)
    entries = open_package(path).entries()
    next(entries)
    entries.close()  # type: ignore[attr-defined]
    assert path.read_bytes()[:2] == b"PK"
