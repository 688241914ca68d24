"""Results on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.cli.terminal.output import Output, Verbosity, printable, with_whole_digests


@given(st.text())
def test_printable_text_has_no_control_characters_but_line_feeds_and_tabs(text: str) -> None:
    shown = printable(text)
    assert not [letter for letter in shown if (ord(letter) < 32 and letter not in "\n\t") or 127 <= ord(letter) < 160]


# Neither control characters, nor marks that change the order of others, nor half a surrogate pair.
@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"])))
def test_other_text_is_printed_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_results_go_to_standard_output_and_notes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.result("a result")
    output.note("a note")
    output.error("a failure")
    assert capsys.readouterr() == ("a result\n", "a note\nerror: a failure\n")


def test_quiet_output_keeps_results_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(Verbosity.QUIET)
    output.result("a result")
    output.note("a note")
    output.error("a failure")
    assert capsys.readouterr() == ("a result\n", "error: a failure\n")


def test_json_survives_any_text(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "\udcff\x1b\n"}
    Output().json(value)
    assert json.loads(capsys.readouterr().out) == value


@pytest.mark.parametrize(
    ("verbosity", "lines"),
    [
        (Verbosity.QUIET, []),
        (Verbosity.NORMAL, ["warning: w\\x1b"]),
        (Verbosity.VERBOSE, ["python_docker.registry: w\\x1b", "python_docker.registry: i"]),
        (Verbosity.DEBUG, [f"python_docker.registry: {text}" for text in ("w\\x1b", "i", "d")]),
    ],
)
def test_logs_go_to_standard_error_as_far_as_the_verbosity_goes(
    verbosity: Verbosity, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output = Output(verbosity)
    before = logging.getLogger().level
    log = logging.getLogger("python_docker.registry")
    output.show_logs()
    log.warning("w\x1b")
    log.info("i")
    log.debug("d")
    output.close()
    assert capsys.readouterr().err.splitlines() == lines
    log.warning("after")
    assert capsys.readouterr().err == ""
    assert logging.getLogger().level == before


@pytest.mark.parametrize("terminal", [True, False])
def test_bytes_are_printable_on_a_terminal_and_whole_elsewhere(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdout", stream)
    Output().raw(b"\x1b[31mred\xff")
    stream.flush()
    written = stream.buffer.getvalue()
    assert written == (b"\\x1b[31mred\\xff\n" if terminal else b"\x1b[31mred\xff")


def test_overlong_lines_of_errors_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.error("first\n" + "x" * 500_000)
    output.result("y" * 500_000)
    printed = capsys.readouterr()
    assert printed.err == f"error: first\n{'x' * 2000}... (500000 characters)\n"
    assert printed.out == "y" * 500_000 + "\n"


def test_errors_repeat_no_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    Output().error("'https://me:s3cr3t@example.org/t/tk-s3cr3t/x?key=s3cr3t' is not a place for images")
    assert capsys.readouterr().err == "error: 'https://example.org/x' is not a place for images\n"


def test_digests_are_whole_on_a_narrow_terminal() -> None:
    digest = "sha256:" + "0" * 64
    table = f"Layer     Size  Digest\n    1  29.3 MB  {digest}  python\n    2     9 B  {digest}\n{digest}"
    assert with_whole_digests(table, 120) == table
    assert with_whole_digests(table, 80).splitlines() == [
        "Layer     Size  Digest",
        "    1  29.3 MB  python",
        f"         {digest}",
        "    2     9 B",
        f"         {digest}",
        digest,
    ]
    assert with_whole_digests(f"  {digest}", 40) == digest
