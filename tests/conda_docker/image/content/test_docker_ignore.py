"""`.dockerignore` is read as Docker's own command reads it: it is asked which files it would send."""

from __future__ import annotations

import http.server
import io
import os
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.errors import InvalidEnvironment
from conda_docker.image.content.docker_ignore import IGNORE_FILE, added_paths, ignored_by
from tests.peers.availability import find_program

FILES = (
    *("README.md", "readme.txt", "a.log", "keep.log", "#notes", "!odd", "sp ace.txt", ".hidden", "x.py", "[x].py"),
    *("src/a.py", "src/a.pyc", "src/deep/er/a.py", "src/deep/er/a.log", "src/deep/keep.log", "src/__pycache__/a.pyc"),
    *("build/out.o", "build/keep/me.txt", "build/keep/not.log", "docs/index.md", "docs/api/index.md", "star*.txt"),
    *("node_modules/m/index.js", "node_modules/m/keep.log", "Build/out.o", "data/1.csv", "data/2.csv", "data/10.csv"),
)
TEXTS = (
    "",
    "*.log",
    "**/*.log",
    "**/*.log\n!**/keep.log",
    "*\n!src",
    "*\n!src/deep",
    "build\n!build/keep",
    "build/\n!build/keep/me.txt",
    "build/**\n!build/keep/**",
    "!build\nbuild",
    "readme*",
    "README.md/",
    "/src/a.py",
    "./src/../docs",
    "../build",
    ".",
    "/",
    "# comment\n  # no comment\n\n\\#notes\n",
    "\\!odd",
    "sp ace.txt",
    "   *.txt   ",
    "star\\*.txt",
    "data/[0-9].csv",
    "data/[^1].csv",
    "data/?.csv",
    "**/deep/**",
    "**/__pycache__\n**.pyc",
    "src/**/a.py",
    "**",
    "**\n!docs/index.md",
    "*/*",
    "src*\n!src/a.py\nsrc/a.py",
    "docs/*\n!docs/*/",
    "\ufeffa.log",
    "! src\n*\n!  docs",
    "*.l[o]g",
    ".dockerignore",
    ".*",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    for name in FILES:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("")
    return made


class Engine(http.server.BaseHTTPRequestHandler):
    """Just enough of an engine to be sent the files of a build."""

    sent: bytes

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(b"{}")

    def do_POST(self) -> None:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        type(self).sent = body
        self.answer(b'{"stream":"Successfully built 0123456789ab\\n"}')

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("API-Version", "1.44")
        self.send_header("Ostype", "linux")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def sent_by_docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], set[str]]]:
    """Return a function that gives the files of a folder which `docker build` sends to an engine."""
    home = tmp_path_factory.mktemp("home")
    (home / "Dockerfile").write_text("FROM scratch\n")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        **os.environ,
        "HOME": str(home),
        "DOCKER_BUILDKIT": "0",
        "DOCKER_HOST": f"tcp://127.0.0.1:{server.server_address[1]}",
    }

    def sent(folder: Path) -> set[str]:
        command = ["docker", "build", "-f", str(home / "Dockerfile"), str(folder)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        padded = Engine.sent + bytes(2 * tarfile.RECORDSIZE)  # docker leaves out the end
        with tarfile.open(fileobj=io.BytesIO(padded)) as tar:
            return {member.name for member in tar if member.isfile()}

    yield sent
    server.shutdown()
    server.server_close()


def kept_files(folder: Path) -> set[str]:
    return {path for path in added_paths(folder) if (folder / path).is_file()}


@pytest.mark.peer("dockerd")  # which brings its command along
@pytest.mark.parametrize("text", TEXTS)
def test_the_files_that_stay_are_those_that_docker_sends(
    folder: Path, sent_by_docker: Callable[[Path], set[str]], text: str
) -> None:
    assert find_program("docker") is not None
    (folder / IGNORE_FILE).write_text(text, encoding="utf-8")
    # Docker always sends the files that say how to build, under names of its own where they are elsewhere.
    sent = {path for path in sent_by_docker(folder) if path in FILES}
    assert kept_files(folder) - {IGNORE_FILE} == sent


@pytest.mark.parametrize(
    ("text", "reason"), [("!", "only '!'"), ("[a", "without its"), ("a\\", "backslash"), ("[z-a]", "range")]
)
def test_a_pattern_that_cannot_be_read_is_an_error(folder: Path, text: str, reason: str) -> None:
    (folder / IGNORE_FILE).write_text(text)
    with pytest.raises(InvalidEnvironment, match=reason):
        list(added_paths(folder))


def test_a_folder_that_is_left_out_stays_for_what_is_kept_in_it(folder: Path) -> None:
    (folder / IGNORE_FILE).write_text("*\n!src/deep/keep.log")
    assert list(added_paths(folder)) == ["src", "src/deep", "src/deep/keep.log"]


def test_the_file_itself_can_be_left_out(folder: Path) -> None:
    (folder / IGNORE_FILE).write_text("*.log")
    assert IGNORE_FILE in list(added_paths(folder))
    (folder / IGNORE_FILE).write_text(".dockerignore")
    assert IGNORE_FILE not in list(added_paths(folder))


def test_an_exception_may_be_in_any_folder_as_buildkit_has_it(folder: Path) -> None:
    # Docker's first builder enters none that is left out, unless the exception begins with its name.
    (folder / IGNORE_FILE).write_text("*\n!**/keep.log")
    kept = {"keep.log", "src/deep/keep.log", "node_modules/m/keep.log"}
    assert kept_files(folder) - {IGNORE_FILE} == kept


def test_a_folder_in_which_nothing_can_stay_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / IGNORE_FILE).write_text("data\nsrc\n!src/deep/**")
    read: set[str] = set()
    scandir = os.scandir

    def noted(path: Path) -> object:
        read.add(path.relative_to(folder).as_posix())
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    list(added_paths(folder))
    assert "src/deep" in read
    assert not {"data", "src/__pycache__"} & read


def test_links_are_not_followed(folder: Path) -> None:
    (folder / "link").symlink_to("src")
    found = list(added_paths(folder))
    assert "link" in found
    assert not [path for path in found if path.startswith("link/")]


@given(st.text(alphabet="ab*?[]!^-\\/. #\n", max_size=30), st.text(alphabet="ab/.", min_size=1, max_size=10))
def test_any_text_is_read_or_refused(text: str, path: str) -> None:
    with suppress(InvalidEnvironment):
        ignored_by(text, path.strip("/") or "a")
