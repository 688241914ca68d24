"""What is worth knowing of a package beyond its files."""

from __future__ import annotations

import pytest

from conda_docker.link.report import LinkReport


def test_variables_are_strings_or_the_json_of_other_values() -> None:
    report = LinkReport()
    report.read_variables("etc/conda/env_vars.d/a.json", b'{"A": "1", "B": 2, "C": null}')
    assert report.variables == {"a.json": {"A": "1", "B": "2", "C": "null"}}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", 100_000 * b"["])
def test_a_file_without_an_object_sets_no_variables(content: bytes) -> None:
    report = LinkReport()
    report.read_variables("etc/conda/env_vars.d/a.json", content)
    assert report.variables == {}
    assert report.notes == ("the file of variables 'a.json' is not a JSON object: it sets none",)


@pytest.mark.parametrize(("script", "expected"), [("bin/.a-post-link.sh", True), ("bin/.a-pre-unlink.sh", False)])
def test_post_link_scripts_are_recognised(script: str, expected: bool) -> None:
    assert LinkReport(link_scripts=(script,)).post_link is expected


@pytest.mark.parametrize(("script", "expected"), [("bin/.a-pre-link.sh", True), ("bin/.a-pre-unlink.sh", False)])
def test_pre_link_scripts_are_recognised(script: str, expected: bool) -> None:
    assert LinkReport(link_scripts=(script,)).pre_link is expected
