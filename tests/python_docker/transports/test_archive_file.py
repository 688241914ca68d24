"""Archives: members are found once, links stay inside, and nothing hostile does harm."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from python_docker.errors import Error, InvalidArchive, InvalidDocument, NotFound
from python_docker.streams.compression import zstd_module
from python_docker.transports import archive_file
from python_docker.transports.archive_file import ArchiveFile
from tests.archives import COMPRESSIONS, Content, Hardlink, Members, Symlink, only_linux, open_files_in, tar_of

LIMIT = 1 << 20


def archive_of(members: Members) -> ArchiveFile:
    return ArchiveFile.open(io.BytesIO(tar_of(members)))


class Pipe(io.RawIOBase):
    """A stream that cannot be sought, and gives little at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 1000) if size >= 0 else 1000)


class TestMembers:
    def test_content_of_a_member(self) -> None:
        assert archive_of({"a": b"first", "folder/b": b"second"}).read("folder/b", LIMIT) == b"second"

    def test_member_that_is_not_there(self) -> None:
        assert archive_of({"a": b"first"}).read("b", LIMIT) is None

    def test_folder_is_no_file(self) -> None:
        assert archive_of({"a": None}).find("a") is None

    @pytest.mark.parametrize("name", ["./manifest.json", "/manifest.json", ".//manifest.json"])
    def test_ways_to_write_a_path(self, name: str) -> None:
        assert archive_of({name: b"[]"}).read("manifest.json", LIMIT) == b"[]"

    def test_paths_in_the_order_of_the_archive(self) -> None:
        assert list(archive_of({"b": b"", "./a": b"", "c/": None})) == ["b", "a", "c"]

    def test_large_member_is_read_in_pieces(self) -> None:
        content = os.urandom(3 << 20)
        archive = archive_of({"small": b"x", "large": content, "after": b"y"})
        with archive.open_member(archive.get("large")) as stream:
            assert b"".join(iter(lambda: stream.read(100_000), b"")) == content

    def test_limit_is_of_what_is_read(self) -> None:
        with pytest.raises(InvalidDocument, match="'a' in the archive has 11 bytes; at most 10 are read"):
            archive_of({"a": bytes(11)}).read("a", 10)

    def test_missing_member_tells_what_is_there(self) -> None:
        with pytest.raises(InvalidArchive, match=r"no file 'c' .it has 'a', 'b'.$"):
            archive_of({"a": b"", "b": b""}).get("c")

    @settings(max_examples=60)
    @given(
        st.dictionaries(
            st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=200).filter(
                lambda name: name not in (".", "..")
            ),
            st.binary(max_size=1500),
            max_size=8,
        )
    )
    @example({"sha256:" + "0" * 64: b"config"})
    @example({"ü" * 120: b"long"})
    def test_any_name(self, members: dict[str, bytes]) -> None:
        archive = archive_of(members)
        assert {name: archive.read(name, LIMIT) for name in archive} == members

    def test_name_that_is_not_utf_8(self) -> None:
        # As GNU tar writes it: the bytes, in no encoding.
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
            entry = tarfile.TarInfo("caf\udce9")
            entry.size = 1
            tar.addfile(entry, io.BytesIO(b"x"))
        buffer.seek(0)
        assert ArchiveFile.open(buffer).read("caf\udce9", LIMIT) == b"x"


class TestLinks:
    @pytest.mark.parametrize(
        ("target", "link"),
        [
            ("../store/layer", "image/layer"),
            ("/store/layer", "image/layer"),
            ("../../../store/layer", "image/layer"),
            ("./../image/.././store//layer", "image/layer"),
        ],
    )
    @pytest.mark.parametrize("link_first", [True, False])
    def test_symbolic_link(self, target: str, link: str, link_first: bool) -> None:
        members: list[tuple[str, Content]] = [("store/layer", b"content"), (link, Symlink(target))]
        assert archive_of(members[::-1] if link_first else members).read(link, LIMIT) == b"content"

    @pytest.mark.parametrize("target", ["store/layer", "./store/layer", "/store/layer"])
    @pytest.mark.parametrize("link_first", [True, False])
    def test_hard_link(self, target: str, link_first: bool) -> None:
        members: list[tuple[str, Content]] = [("store/layer", b"content"), ("image/layer", Hardlink(target))]
        assert archive_of(members[::-1] if link_first else members).read("image/layer", LIMIT) == b"content"

    def test_chain_of_links(self) -> None:
        links: dict[str, Content] = {"a": Symlink("b"), "b": Hardlink("c"), "c": Symlink("d/e"), "d": Symlink("f")}
        assert archive_of({**links, "f/e": b"x"}).read("a", LIMIT) == b"x"

    def test_link_to_nothing(self) -> None:
        assert archive_of({"a": Symlink("b")}).find("a") is None

    @pytest.mark.parametrize(
        "members",
        [
            {"a": Symlink("a")},
            {"a": Symlink("b"), "b": Symlink("a")},
            {"a": Hardlink("a")},
            {"a": Symlink("a/b")},
            {"a": Symlink("b/c"), "b": Symlink("a")},
        ],
    )
    def test_circle(self, members: Members) -> None:
        with pytest.raises(InvalidArchive, match="the links of 'a' lead in a circle"):
            archive_of(members).find("a")

    def test_absolute_link_does_not_leave_the_archive(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("secret")
        archive = archive_of({"a": Symlink(str(secret)), "b": Symlink("../" * 30 + str(secret)[1:])})
        assert archive.find("a") is None
        assert archive.find("b") is None

    def test_endless_target(self) -> None:
        with pytest.raises(InvalidArchive, match="a path of 800000 bytes"):
            archive_of({"a": Symlink("a/" * 400_000)})

    def test_long_target(self) -> None:
        assert archive_of({"a": Symlink("b/" * 2000)}).find("a") is None


class TestRepeatedMembers:
    def test_the_same_content(self) -> None:
        assert archive_of([("a", b"x"), ("b", b""), ("a", b"x")]).read("a", LIMIT) == b"x"

    def test_folders(self) -> None:
        assert archive_of([("a", None), ("a/b", b"x"), ("a", None)]).read("a/b", LIMIT) == b"x"

    @pytest.mark.parametrize("second", [b"y", b"xx", Symlink("c"), None])
    def test_other_content(self, second: bytes | Symlink | None) -> None:
        archive = archive_of([("a", b"x"), ("./a", second), ("c", b"x")])
        with pytest.raises(InvalidArchive, match="holds 'a' more than once, with different content"):
            archive.read("a", LIMIT)

    def test_other_content_behind_a_link(self) -> None:
        archive = archive_of([("link", Symlink("a")), ("a", b"x"), ("a", b"y")])
        with pytest.raises(InvalidArchive, match="holds 'a' more than once"):
            archive.read("link", LIMIT)

    def test_others_are_not_concerned(self) -> None:
        assert archive_of([("a", b"x"), ("a", b"y"), ("b", b"z")]).read("b", LIMIT) == b"z"


class TestWholeFile:
    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_compressed(self, compression: str, tmp_path: Path) -> None:
        path = tmp_path / "archive"
        content = os.urandom(2 << 20)
        path.write_bytes(COMPRESSIONS[compression](tar_of({"a": b"x", "b": content})))
        assert ArchiveFile.open(path).read("b", 4 << 20) == content

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    @pytest.mark.parametrize("left", [0.2, 0.6, 0.999])
    def test_truncated_and_compressed(self, compression: str, left: float, tmp_path: Path) -> None:
        whole = COMPRESSIONS[compression](tar_of({"a": os.urandom(200_000)}))
        path = tmp_path / "archive"
        path.write_bytes(whole[: int(len(whole) * left)])
        with pytest.raises(InvalidArchive, match="damaged"):
            ArchiveFile.open(path)

    def test_pipe(self) -> None:
        content = os.urandom(300_000)
        archive = ArchiveFile.open(Pipe(tar_of({"a": content, "b": b"x"})))  # type: ignore[arg-type]
        assert archive.read("a", LIMIT) == content
        assert archive.read("b", LIMIT) == b"x"

    def test_named_pipe(self, tmp_path: Path) -> None:
        path = tmp_path / "pipe"
        os.mkfifo(path)
        writer = threading.Thread(target=lambda: path.write_bytes(tar_of({"a": b"x"})))
        writer.start()
        archive = ArchiveFile.open(path)
        writer.join()
        assert archive.read("a", LIMIT) == b"x"

    def test_file_object_from_where_it_stands(self) -> None:
        file = io.BytesIO(b"before" + tar_of({"a": b"x"}))
        file.seek(6)
        assert ArchiveFile.open(file).read("a", LIMIT) == b"x"

    def test_file_that_is_replaced_meanwhile(self, tmp_path: Path) -> None:
        path = tmp_path / "archive"
        path.write_bytes(tar_of({"a": b"old"}))
        archive = ArchiveFile.open(path)
        (tmp_path / "new").write_bytes(tar_of({"a": b"new"}))
        (tmp_path / "new").replace(path)
        assert archive.read("a", LIMIT) == b"old"

    @only_linux
    def test_temporary_file_goes_with_its_readers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        archive = ArchiveFile.open(io.BytesIO(gzip.compress(tar_of({"a": b"content"}))))
        stream = archive.open_member(archive.get("a"))
        del archive
        assert len(open_files_in(tmp_path)) == 1
        assert stream.read() == b"content"
        del stream
        assert open_files_in(tmp_path) == []
        assert list(tmp_path.iterdir()) == []

    def test_many_threads(self, tmp_path: Path) -> None:
        contents = {str(number): os.urandom(200_000) for number in range(8)}
        file = io.BytesIO(tar_of(contents))
        for archive in (ArchiveFile.open(file), ArchiveFile.open(_written(tmp_path / "archive", file.getvalue()))):
            found: dict[str, bytes | None] = {}

            def read(name: str, archive: ArchiveFile = archive, found: dict[str, bytes | None] = found) -> None:
                with archive.open_member(archive.get(name)) as stream:
                    found[name] = b"".join(iter(lambda: stream.read(7001), b""))

            threads = [threading.Thread(target=read, args=(name,)) for name in contents]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert found == contents


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


class TestHostile:
    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match=r"there is no file .*absent"):
            ArchiveFile.open(tmp_path / "absent")

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidArchive, match=r"is a folder, not an archive; .* oci:"):
            ArchiveFile.open(tmp_path)

    @pytest.mark.parametrize("content", [b"x", b"no tar at all" * 100, os.urandom(5000), b"\x1f\x8b\x08damaged"])
    def test_no_archive(self, content: bytes) -> None:
        with pytest.raises(InvalidArchive, match="is not a readable archive"):
            ArchiveFile.open(io.BytesIO(content))

    def test_empty_file(self) -> None:
        with pytest.raises(InvalidArchive, match="it has nothing"):
            ArchiveFile.open(io.BytesIO(b"")).get("manifest.json")

    @only_linux
    def test_endless_zeros(self) -> None:
        assert list(ArchiveFile.open("/dev/zero")) == []

    @pytest.mark.parametrize("size", [600, 100_000, 5_000_000])
    def test_cut_within_a_member(self, size: int) -> None:
        whole = tar_of({"first": b"x" * 20, "second": os.urandom(size)})
        end = 512 * 3 + size
        for cut in (512 * 3 + 1, end - 1, end - size // 2):
            with pytest.raises(InvalidArchive, match="cut short: it ends within 'second'"):
                ArchiveFile.open(io.BytesIO(whole[:cut]))

    def test_cut_between_members_is_said_when_one_is_missing(self) -> None:
        whole = tar_of({"first": b"x" * 20, "second": b"y"})
        with pytest.raises(InvalidArchive, match="no file 'second'; it seems to be cut short"):
            ArchiveFile.open(io.BytesIO(whole[:1024])).get("second")

    def test_without_end_blocks(self) -> None:
        assert ArchiveFile.open(io.BytesIO(tar_of({"a": b"x" * 512})[:1024])).read("a", LIMIT) == b"x" * 512

    def test_members_outside_are_passed_over(self) -> None:
        archive = archive_of({"../../evil": b"1", "a/../../b": b"2", "good": b"3"})
        assert list(archive) == ["good"]
        assert archive.find("../../evil") is None

    def test_too_many_members(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archive_file, "_MAX_INDEX", 100_000)
        with pytest.raises(InvalidArchive, match="too many members"):
            archive_of({f"member-{number}": b"" for number in range(1000)})

    def test_file_that_becomes_shorter(self, tmp_path: Path) -> None:
        path = _written(tmp_path / "archive", tar_of({"a": bytes(10_000)}))
        archive = ArchiveFile.open(path)
        os.truncate(path, 2000)
        with pytest.raises(InvalidArchive, match=r"'a' in .* is cut short"):
            archive.read("a", LIMIT)

    def test_sparse_members_are_passed_over(self) -> None:
        entry = tarfile.TarInfo("sparse")
        entry.type = tarfile.GNUTYPE_SPARSE
        file = io.BytesIO(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
        assert list(ArchiveFile.open(file)) == []

    @settings(max_examples=150)
    @given(st.data())
    def test_flipped_bits_end_in_our_errors(self, data: st.DataObject) -> None:
        whole = bytearray(_SMALL)
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(whole) - 1))
            whole[place] ^= 1 << data.draw(st.integers(0, 7))
        try:
            archive = ArchiveFile.open(io.BytesIO(bytes(whole)))
            for name in archive:
                archive.read(name, LIMIT)
        except Error:
            pass


_SMALL = tar_of({"a": b"x" * 700, "folder": None, "b": Symlink("a"), "ü" * 60: Hardlink("a")})


def test_an_archive_that_unfolds_without_end_fills_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_file, "_ROOM", 10 << 20)
    entry = tarfile.TarInfo("zeros")
    entry.size = 40 << 20
    path = tmp_path / "x.tar.zst"
    path.write_bytes(zstd_module().compress(entry.tobuf() + bytes(entry.size + 1024)))
    assert path.stat().st_size < 10_000
    with pytest.raises(InvalidArchive, match=r"unfolds to more than 10 MiB and more than 100 times its size"):
        ArchiveFile.open(path)
