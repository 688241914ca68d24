"""Outputs: files appear whole or not at all, whatever happens; what the killed leave behind does no harm."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from python_docker import copy_image, open_image, write_image
from python_docker.errors import Error, UnsupportedFormat
from python_docker.files.atomic import write_all
from python_docker.image import Image
from python_docker.transports.output import FileOutput, StreamOutput, is_standard_output, write_file
from tests.archives import COMPRESSIONS, docker_members, only_linux, tar_of
from tests.images import layer_tar
from tests.processes import ended_with_us

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"large": os.urandom(1_000_000)})]
DESTINATIONS = ["docker-archive:{}/out:hello:v2", "oci-archive:{}/out:v2", "oci:{}/out:v2"]


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Return the location of a docker archive."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "hello.tar").write_bytes(tar_of(docker_members(LAYERS, tags=["hello:v1"])))
    return f"docker-archive:{folder}/hello.tar"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes here: what a full disk is, for this process alone."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestFileOutput:
    def test_commit(self, tmp_path: Path) -> None:
        output = FileOutput(tmp_path / "file")
        output.write(b"new ")
        assert not (tmp_path / "file").exists()
        output.write(b"content")
        output.commit()
        assert contents(tmp_path) == {"file": b"new content"}

    def test_abort(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"old")
        output = FileOutput(tmp_path / "file")
        output.write(b"new")
        output.abort()
        assert contents(tmp_path) == {"file": b"old"}

    def test_abort_after_commit_does_nothing(self, tmp_path: Path) -> None:
        output = FileOutput(tmp_path / "file")
        output.commit()
        output.abort()
        assert contents(tmp_path) == {"file": b""}

    def test_mode_is_that_of_any_new_file(self, tmp_path: Path) -> None:
        FileOutput(tmp_path / "file").commit()
        (tmp_path / "other").write_bytes(b"")
        assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode

    def test_link_stays_one(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder/file").write_bytes(b"old")
        (tmp_path / "link").symlink_to("folder/file")
        output = FileOutput(tmp_path / "link")
        output.write(b"new")
        output.commit()
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "folder/file").read_bytes() == b"new"

    def test_pipe_is_written_to(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.append((tmp_path / "pipe").read_bytes()))
        reader.start()
        output = FileOutput(tmp_path / "pipe")
        output.write(b"x" * 200_000)
        output.commit()
        reader.join()
        assert received == [b"x" * 200_000]
        assert (tmp_path / "pipe").is_fifo()

    def test_longest_name(self, tmp_path: Path) -> None:
        output = FileOutput(tmp_path / ("ü" * 127))
        output.commit()
        assert os.listdir(tmp_path) == ["ü" * 127]

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(Error, match=r"cannot write .*/absent/file: No such file or directory"):
            FileOutput(tmp_path / "absent/file")

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(Error, match="it is a folder"):
            FileOutput(tmp_path)

    def test_folder_in_its_place(self, tmp_path: Path) -> None:
        output = FileOutput(tmp_path / "file")
        (tmp_path / "file").mkdir()
        with pytest.raises(Error, match="Is a directory"):
            output.commit()
        output.abort()
        assert os.listdir(tmp_path) == ["file"]

    @only_linux
    def test_full_device(self) -> None:
        output = FileOutput("/dev/full")
        with pytest.raises(Error, match="cannot write /dev/full: No space left on device"):
            output.write(b"x")
        output.abort()


class TestStreamOutput:
    def test_partial_writes(self) -> None:
        class Little(io.BytesIO):
            def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
                return super().write(bytes(data[:3]))

        file = Little()
        write_all(file, b"0123456789")
        assert file.getvalue() == b"0123456789"

    def test_write_that_gives_nothing_back(self) -> None:
        pieces: list[bytes] = []

        class Sink:
            def write(self, data: memoryview) -> None:
                pieces.append(bytes(data))

        write_all(Sink(), b"0123456789")  # type: ignore[arg-type]
        assert pieces == [b"0123456789"]

    @only_linux
    def test_full(self) -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            output = StreamOutput(file)
            with pytest.raises(Error, match="cannot write the archive: No space left"):
                output.write(b"x")


@pytest.mark.parametrize("form", DESTINATIONS)
class TestWholeOrNotAtAll:
    def test_full_disk(self, form: str, source: str, tmp_path: Path) -> None:
        with largest_file(500_000), pytest.raises(Error, match=r"cannot write .*/out.*: File too large"):
            copy_image(source, form.format(tmp_path))
        assert os.listdir(tmp_path) == ["source"]

    def test_full_disk_leaves_what_was_there(self, form: str, source: str, tmp_path: Path) -> None:
        destination = form.format(tmp_path)
        other = tmp_path / "source/other.tar"
        other.write_bytes(tar_of(docker_members(LAYERS[:1])))
        copy_image(str(other), destination)
        before = contents(tmp_path)
        with largest_file(500_000), pytest.raises(Error, match="File too large"):
            copy_image(source, destination)
        assert contents(tmp_path) == before

    def test_killed(self, form: str, source: str, tmp_path: Path) -> None:
        destination = form.format(tmp_path)
        other = tmp_path / "source/other.tar"
        other.write_bytes(tar_of(docker_members(LAYERS[:1])))
        copy_image(str(other), destination)
        before = contents(tmp_path)
        _kill_in_the_middle(source, destination)
        after = contents(tmp_path)
        left = {name: content for name, content in after.items() if ".partial-" in name}
        assert left, "it was not killed in the middle"
        assert {name: content for name, content in after.items() if name not in left} == before
        # The next run is as good as the first, and removes what was left.
        copy_image(source, destination)
        assert open_image(destination.removesuffix(":hello:v2")).list_files() == ["etc", "etc/greeting", "large"]
        assert not [name for name in contents(tmp_path) if ".partial-" in name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("form", DESTINATIONS)
def test_pipes_that_others_put_next_to_an_output_do_not_stop_it(form: str, source: str, tmp_path: Path) -> None:
    pipes = [".out.partial-1", ".out.partial-1-0123456789ab", ".out.partial-0123456789abcdef"]
    for name in pipes:
        os.mkfifo(tmp_path / name)
    copy_image(source, form.format(tmp_path))
    assert sorted(os.listdir(tmp_path)) == sorted([*pipes, "out", "source"])


_STALLING = """
import sys, time
from dataclasses import replace
from python_docker import open_image, write_image
from python_docker.streams.stream import ReadStream

class Stalling(ReadStream):
    def __init__(self, stream):
        super().__init__(stream)
        self.stream, self.left = stream, 300_000
    def read(self, size=-1):
        if not self.left:
            print("half", flush=True)
            time.sleep(600)
        data = self.stream.read(min(size, self.left))
        self.left -= len(data)
        return data

image = open_image(sys.argv[1])
layer = image.layers[0]
opener = layer.blob.opener
image.layers[0] = layer.with_blob(replace(layer.blob, opener=lambda: Stalling(opener())))
write_image(image, sys.argv[2])
"""


def _kill_in_the_middle(source: str, destination: str) -> None:
    """Start to copy an image in another process, and kill that when some of the top layer is written."""
    command = [sys.executable, "-c", _STALLING, source, destination]
    with ended_with_us(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"


def test_temporary_file_of_a_compressed_archive_meets_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "hello.tar.gz"
    path.write_bytes(COMPRESSIONS["gzip"](tar_of(docker_members(LAYERS))))
    with largest_file(500_000), pytest.raises(Error, match=r"temporary file in .*: File too large; .* TMPDIR"):
        open_image(str(path))


def test_interrupted(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: FileOutput, data: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FileOutput, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        copy_image(source, f"docker-archive:{tmp_path}/out.tar")
    assert os.listdir(tmp_path) == ["source"]


@pytest.mark.parametrize(
    ("name", "magic"),
    [("x.tar", b"blobs/"), ("x.tar.gz", b"\x1f\x8b"), ("x.TGZ", b"\x1f\x8b"), ("x.tar.zst", b"\x28\xb5\x2f\xfd")],
)
@pytest.mark.parametrize("medium", ["docker-archive", "oci-archive"])
def test_an_archive_is_compressed_as_its_name_says(medium: str, name: str, magic: bytes, tmp_path: Path) -> None:
    image = Image("hello", "1")
    image.add_layer_contents({"a": b"a"})
    write_image(image, f"{medium}:{tmp_path / name}")
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert open_image(str(tmp_path / name)).digest == image.digest
    first = (tmp_path / name).read_bytes()
    write_image(image, f"{medium}:{tmp_path / name}")
    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("name", ["x.tar.xz", "x.tar.bz2", "x.tbz2", "x.tar.br"])
def test_an_ending_that_cannot_be_kept_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match=r"\.tar, \.tar\.gz or \.tar\.zst"):
        Image("hello", "1").write_filename(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_a_user_named(tmp_path: Path) -> None:
    write_file(tmp_path / "new/file", b"first")
    (tmp_path / "link").symlink_to("new/file")
    write_file(tmp_path / "link", b"second")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new/file").read_bytes() == b"second"
    with pytest.raises(Error, match=r"cannot write .*: it is a folder"):
        write_file(tmp_path / "new", b"")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_that_a_user_named_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    number = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, b"hello")
    assert os.read(number, 10) == b"hello"
    os.close(number)
    assert pipe.is_fifo()


@only_linux
def test_names_of_standard_output(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from python_docker.transports.output import is_standard_output\n"
        "sys.stderr.write(' '.join(path for path in sys.argv[1:] if is_standard_output(path)))\n"
    )
    (tmp_path / "link").symlink_to("/dev/stdout")
    names = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", str(tmp_path / "link")]
    command = [sys.executable, "-c", program, *names, "/dev/stderr", "/dev/null", "missing"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr.split() == names
    to_null = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    assert to_null.stderr == b""
    assert not is_standard_output("\0")
