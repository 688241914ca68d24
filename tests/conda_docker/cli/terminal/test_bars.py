"""Progress as a person sees it: the real program on a real terminal, whose screen is read."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_docker.cli.terminal import bars
from conda_docker.cli.terminal.bars import Terminal
from conda_docker.cli.terminal.output import Output
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.images import layer_tar, write_oci_layout
from tests.pseudo_terminal import Session, run_on_terminal
from tests.slow_registry import slow_registry

PACKAGES = 24
PROGRAM = [Path(sys.executable).with_name("conda-docker")]
SUMMARY = re.compile(r"^(image|digest|size|layers|written|time|run it)  ")


def compressible(seed: int, size: int) -> bytes:
    """Content that takes gzip's highest level some time: half of it repeats."""
    block = b"".join(hashlib.sha256(b"%d %d" % (seed, number)).digest() for number in range(size // 64))
    return block.hex().encode()


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel of many packages that take a few seconds to build."""
    synthetic_channel.add(
        *(
            SyntheticPackage(
                name=f"package-with-a-name-{number:02}", files={f"share/{number}": compressible(number, 1 << 20)}
            )
            if number % 3
            else SyntheticPackage(name=f"small-{number:02}", files={f"share/{number}": b"x"})
            for number in range(PACKAGES)
        )
    )
    return synthetic_channel


def build_on_terminal(
    channel: SyntheticChannel, environment: dict[str, str], tmp_path: Path, *more: str, url: str = "", **options: object
) -> Session:
    names = [path.name.removesuffix("-1.0-0.conda") for path in sorted(channel.folder.glob("*/*.conda"))]
    words = ["build", "-b", "scratch", "-c", url or channel.url, "--override-channels", "--compression-level", "12"]
    command = [*PROGRAM, *words, "-i", "demo", "-o", "demo.tar", *more, *names]
    return run_on_terminal(command, env=environment, cwd=tmp_path, **options)  # type: ignore[arg-type]


def drawn(session: Session) -> list[list[str]]:
    """The screens that show progress."""
    return [screen for screen in session.screens if any(" done, " in line for line in screen)]


def assert_calm(session: Session) -> None:
    """No row changes its place, nothing is wrapped or left behind, and the cursor is back."""
    assert "Traceback" not in session.text
    assert not session.cursor_hidden
    place: dict[str, int] = {}
    for screen in drawn(session):
        for row, line in enumerate(screen):
            if found := re.match(r"layer ([\w-]+)", line):
                assert place.setdefault(found[1], row) == row, screen


@pytest.mark.parametrize("columns", [40, 100])
def test_a_build_shows_rows_then_the_summary(
    columns: int, channel: SyntheticChannel, environment: dict[str, str], tmp_path: Path
) -> None:
    cold = build_on_terminal(channel, environment, tmp_path, columns=columns)
    assert cold.code == 0
    assert_calm(cold)
    screens = drawn(cold)
    assert any(line.startswith("layer package-with") for screen in screens for line in screen)
    known = re.compile(r"layer |write |small-|package-|solve for |\d+ done, ")
    assert all(known.match(line) for screen in screens for line in screen if line)
    assert SUMMARY.match(cold.lines[0])
    assert f"{PACKAGES} built, and the environment's own" in "".join(cold.lines)

    warm = build_on_terminal(channel, environment, tmp_path, columns=columns)
    assert warm.code == 0
    assert_calm(warm)
    assert SUMMARY.match(warm.lines[0])
    assert f"all {PACKAGES} known, and the environment's own" in "".join(warm.lines)


def test_an_error_in_the_middle_is_one_line(
    channel: SyntheticChannel, environment: dict[str, str], tmp_path: Path
) -> None:
    damaged = SyntheticPackage(name="zzz-damaged", files={"share/z": b"z"})
    channel.add(damaged)
    channel.patch(damaged, sha256="0" * 64)
    session = build_on_terminal(channel, environment, tmp_path, columns=100)
    assert session.code == 7
    assert_calm(session)
    assert session.lines[0].startswith("error: ")
    assert "zzz-damaged" in session.text
    assert not (tmp_path / "demo.tar").exists()


def test_ctrl_c_in_the_middle_leaves_a_clean_screen(
    channel: SyntheticChannel, environment: dict[str, str], tmp_path: Path
) -> None:
    server = ChannelServer(channel.folder, held={"small-00-1.0-0.conda": threading.Event()}).start()
    try:
        session = build_on_terminal(
            channel,
            environment,
            tmp_path,
            url=server.url,
            columns=100,
            interrupt_when=lambda screen: any(" done, " in line for line in screen),
        )
    finally:
        server.held["small-00-1.0-0.conda"].set()
        server.stop()
    assert session.code == 130
    assert_calm(session)
    assert [line.removeprefix("^C") for line in session.lines] == ["error: interrupted"]
    assert not (tmp_path / "demo.tar").exists()


def test_no_color_is_respected(channel: SyntheticChannel, environment: dict[str, str], tmp_path: Path) -> None:
    session = build_on_terminal(channel, environment | {"NO_COLOR": "1"}, tmp_path)
    assert drawn(session)
    assert not re.search(rb"\x1b\[[\d;]*3\d[;\d]*m", session.raw)


@pytest.fixture
def slow_image(tmp_path: Path, rate: int) -> Iterator[str]:
    """Return the name of an image of two layers, of 100 kB and less, in a registry that gives `rate` bytes a second."""
    layers = [layer_tar({"noise": os.urandom(100_000)}), layer_tar({"more": os.urandom(10_000)})]
    write_oci_layout(tmp_path / "layout", layers)
    with slow_registry(tmp_path / "layout", rate=rate) as name:
        yield name


@pytest.mark.parametrize("rate", [30_000])
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_copy_shows_names_amounts_and_the_time_left(
    columns: int, slow_image: str, environment: dict[str, str], tmp_path: Path
) -> None:
    session = run_on_terminal(
        [*PROGRAM, "copy", slow_image, "oci:copy"], env=environment, cwd=tmp_path, columns=columns
    )
    assert session.code == 0, session.text
    assert session.lines[0].startswith("written")
    shown = {line for screen in drawn(session) for line in screen if line.startswith("layer 0")}
    told = r"\d+%" if columns == 40 else r"[━─]+ +\d+\.\d kB of 10\d\.\d kB +\d+\.\d kB/s +\d+ s left"
    assert [line for line in shown if re.fullmatch(rf"layer 0 +{told}", line)], shown
    assert all(len(line) < columns for screen in drawn(session) for line in screen)
    known = re.compile(r"layer [01] |config |\d+ done, ")
    assert all(known.match(line) for screen in drawn(session) for line in screen if line)


@pytest.mark.parametrize("rate", [1000])  # it is interrupted long before
def test_ctrl_c_gives_the_terminal_back(slow_image: str, environment: dict[str, str], tmp_path: Path) -> None:
    session = run_on_terminal(
        [*PROGRAM, "validate", slow_image],
        env=environment,
        cwd=tmp_path,
        interrupt_when=lambda screen: any(line.startswith("layer 0") for line in screen),
    )
    assert (session.code, session.cursor_hidden) == (130, False)
    assert [line.removeprefix("^C") for line in session.lines] == ["error: interrupted"]


@pytest.mark.parametrize("rate", [1_000_000])
@pytest.mark.parametrize(
    ("arguments", "variables", "lines"),
    [
        (["--progress", "plain"], {}, True),
        ([], {"CONDA_DOCKER_PROGRESS": "plain"}, True),
        ([], {"TERM": "dumb"}, True),
        (["--progress", "none"], {}, False),
    ],
)
def test_lines_or_nothing_on_a_terminal(
    arguments: list[str],
    variables: dict[str, str],
    lines: bool,
    slow_image: str,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    command: list[str | Path] = [*PROGRAM, "copy", *arguments, slow_image, "oci:copy"]
    session = run_on_terminal(command, env=environment | variables, cwd=tmp_path)
    assert session.code == 0
    assert b"\x1b" not in session.raw
    before = session.lines[: next(n for n, line in enumerate(session.lines) if line.startswith("written"))]
    assert sorted(line.partition(":")[0] for line in before) == (["config", "layer 0", "layer 1"] if lines else [])


def test_bars_without_box_characters() -> None:
    terminal = Terminal(Output())
    work = terminal.start("work", 100)
    work.advance(50)
    assert bars._bar(work, 10, work.begun, ("#", "-")).plain == "#####-----"
    unknown = terminal.start("work", None)
    assert bars._bar(unknown, 10, unknown.begun, ("#", "-")).plain == "##--------"
    assert bars._bar(unknown, 10, unknown.begun + 1, ("#", "-")).plain == "--------##"


def test_work_that_is_over_soon_is_never_drawn(environment: dict[str, str], tmp_path: Path) -> None:
    session = run_on_terminal([*PROGRAM, "cache", "path"], env=environment, cwd=tmp_path)
    # The path of the test's folder may take more than a row.
    assert (session.code, "".join(session.lines)) == (0, environment["CONDA_DOCKER_CACHE"])


def test_rows_keep_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "DELAY", 0)
    terminal = Terminal(Output())
    first, second = terminal.start("first", 10), terminal.start("second", 2000)
    assert terminal.rows(9) == [(first, True), (second, True)]
    first.finish()
    assert terminal.rows(9) == [(first, False), (second, True)]
    third, fourth = terminal.start("third", 10), terminal.start("fourth", 10)
    assert terminal.rows(9) == [(third, True), (second, True), (fourth, True)]
    for work in (second, third, fourth):
        work.finish()
    assert terminal.rows(2) == [(third, False), (second, False)]


def test_a_terminal_that_goes_away_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    closed.close()
    monkeypatch.setattr(bars, "DELAY", 0)
    monkeypatch.setattr(sys, "stderr", closed)
    terminal = Terminal(Output())
    with terminal.shown():
        terminal.start("work", None).finish()
    assert terminal.outcomes == {"": 1}


def test_what_is_made_has_a_total_and_is_not_moved() -> None:
    terminal = Terminal(Output())
    work = terminal.start("layer numpy", None)
    work.expect(100_000_000)
    work.advance(50_000_000)
    assert bars._bar(work, 10, work.begun, ("#", "-")).plain == "#####-----"
    assert terminal._told(work, work.begun + 1)[0] == "50.0 MB of 100.0 MB"
    assert "moved" not in terminal._counted(1, work.begun + 1, rates=True)
    work.advance(51_000_000)
    assert terminal._told(work, work.begun + 2) == ["100.0 MB of 100.0 MB", "", "finishing"]


def test_how_many_layers_of_all_are_made() -> None:
    terminal = Terminal(Output())
    terminal.announce("layer", 2)
    terminal.announce("layer", 1)
    for label, outcome in (("layer numpy", ""), ("layer python", "again"), ("solve for linux/amd64", "")):
        terminal.start(label, None).finish(outcome)
    assert terminal._counted(1, 0.0, rates=True).startswith("3 done, 1 of 3 layers made, ")
