"""Reports: what is asked of them."""

from __future__ import annotations

from python_docker.validation import Problem, Report, Severity

BAD = Problem(Severity.ERROR, "the config", "it has no diff IDs")
ODD = Problem(Severity.WARNING, "layer 1 of 2", "it is odd")


def test_a_report_without_problems_is_good() -> None:
    assert Report().ok
    assert (Report().errors, Report().warnings) == ((), ())


def test_warnings_do_not_make_an_image_wrong() -> None:
    assert Report((ODD,)).ok
    assert not Report((ODD, BAD)).ok


def test_problems_by_their_severity() -> None:
    report = Report((ODD, BAD, ODD))
    assert (report.errors, report.warnings) == ((BAD,), (ODD, ODD))


def test_a_problem_in_one_line() -> None:
    assert [str(BAD), str(ODD)] == [
        "error: the config: it has no diff IDs",
        "warning: layer 1 of 2: it is odd",
    ]
