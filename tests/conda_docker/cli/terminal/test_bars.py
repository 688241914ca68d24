"""Progress as a person sees it: the real program on a real terminal, whose screen is read."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

import pytest

from conda_docker.cli.terminal import bars
from conda_docker.cli.terminal.bars import Terminal
from conda_docker.cli.terminal.output import Output
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.pseudo_terminal import Session, run_on_terminal

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
    channel: SyntheticChannel, environment: dict[str, str], tmp_path: Path, *more: str, **options: object
) -> Session:
    names = [path.name.removesuffix("-1.0-0.conda") for path in sorted(channel.folder.glob("*/*.conda"))]
    words = ["build", "-b", "scratch", "-c", channel.url, "--override-channels", "--compression-level", "12"]
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
    assert f"{PACKAGES} built, 1 known" in "".join(cold.lines)

    warm = build_on_terminal(channel, environment, tmp_path, columns=columns)
    assert warm.code == 0
    assert_calm(warm)
    assert SUMMARY.match(warm.lines[0])
    assert f"all {PACKAGES + 1} layers known" in "".join(warm.lines)


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
    session = build_on_terminal(
        channel,
        environment,
        tmp_path,
        columns=100,
        interrupt_when=lambda screen: any(line.startswith("layer ") for line in screen),
    )
    assert session.code == 130
    assert_calm(session)
    assert [line.removeprefix("^C") for line in session.lines] == ["error: interrupted"]
    assert not (tmp_path / "demo.tar").exists()


def test_no_color_is_respected(channel: SyntheticChannel, environment: dict[str, str], tmp_path: Path) -> None:
    session = build_on_terminal(channel, environment | {"NO_COLOR": "1"}, tmp_path)
    assert drawn(session)
    assert not re.search(rb"\x1b\[[\d;]*3\d[;\d]*m", session.raw)


def test_work_that_is_over_soon_is_never_drawn(environment: dict[str, str], tmp_path: Path) -> None:
    session = run_on_terminal([*PROGRAM, "cache", "path"], env=environment, cwd=tmp_path)
    assert (session.code, len(session.lines)) == (0, 1)


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
