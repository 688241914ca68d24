"""Progress on standard error."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from conda_docker.cli.terminal.bars import Terminal
from conda_docker.cli.terminal.display import open_display
from conda_docker.cli.terminal.output import Output, Verbosity
from conda_docker.cli.terminal.progress import Display, Lines
from python_docker.progress import NamesBlobs


def test_where_there_is_no_terminal_each_piece_of_work_that_is_done_is_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with open_display(Output()) as display:
        display.start("first", 2000).advance(2000)
        work = display.start("second", 1_500_000)
        work.advance(500_000)
        work.advance(1_000_000)
        work.finish()
        display.start("third", 10).finish("exists")
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert lines[0].startswith("second: 1.5 MB, ")
    assert lines[1] == "third: exists"
    assert len(lines) == 2


def test_work_that_takes_long_is_told_of_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    work = Lines(Output()).start("blob", 1000_000)
    for now in range(1, 26):  # noqa: B007 - the clock
        work.advance(10_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["blob: 100.0 kB of 1.0 MB (10%), 10.0 kB/s", "blob: 200.0 kB of 1.0 MB (20%), 10.0 kB/s"]


def test_work_of_which_no_bytes_are_known_is_told_of_by_its_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    work = Lines(Output()).start("link script of a", None)
    for now in range(5, 26, 5):  # noqa: B007 - the clock
        work.advance(0)
    assert capsys.readouterr().err.splitlines() == [f"link script of a: {seconds}.0 s so far" for seconds in (10, 20)]


def test_a_label_from_outside_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Lines(Output()).start("\x1b[2J", None).finish()
    assert "\x1b" not in capsys.readouterr().err


def test_quiet_output_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with open_display(Output(Verbosity.QUIET)) as display:
        display.start("blob", 10).finish()
    assert capsys.readouterr().err == ""


def test_what_is_not_shown_needs_no_names() -> None:
    """Names are read from a config, which may have to be downloaded."""
    with open_display(Output(Verbosity.QUIET)) as quiet, open_display(Output()) as shown:
        assert not isinstance(quiet, NamesBlobs)
        assert isinstance(shown, NamesBlobs)


def test_bytes_are_counted_from_any_number_of_threads() -> None:
    display = Display(Output())
    work = display.start("blob", 80_000)

    def advance() -> None:
        for _ in range(10_000):
            work.advance(1)

    threads = [threading.Thread(target=advance) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work.finish()
    assert display.moved == 80_000


def test_work_of_unknown_size_does_not_count_as_moved() -> None:
    display = Display(Output())
    work = display.start("compress", None)
    work.advance(100)
    work.finish()
    assert display.moved == 0


def test_a_cancelled_command_stops_where_it_tells_of_its_work() -> None:
    output = Output()
    display = Display(output)
    work = display.start("blob", 100)
    output.cancelled.set()
    with pytest.raises(KeyboardInterrupt):
        work.advance(1)
    with pytest.raises(KeyboardInterrupt):
        display.start("next", None)


def test_a_phase_that_fails_is_not_told_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no"), Lines(Output()).phase("solve"):
        raise ValueError("no")
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with open_display(Output()) as display:
        assert isinstance(display, Terminal)
    with open_display(Output(Verbosity.VERBOSE)) as display:
        assert isinstance(display, Lines)
