"""Scripts that run, as progress shows them."""

from __future__ import annotations

import threading

import pytest

from conda_docker.scripts import under_way as module
from conda_docker.scripts.under_way import under_way
from python_docker.progress import Task
from tests.python_docker.in_memory import Heard


class Reported:
    """A piece of work that is reported again and again; the first report ends with `error`, if there is one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.twice = threading.Semaphore(0)
        self.error = error
        self.finished = False

    def start(self, label: str, total: int | None) -> Task:
        return self

    def advance(self, size: int) -> None:
        assert size == 0
        self.twice.release()
        if self.error is not None:
            raise self.error

    def finish(self, outcome: str = "") -> None:
        self.finished = True


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_INTERVAL", 0.001)


@pytest.mark.usefixtures("often")
def test_what_takes_long_is_reported_until_it_ends() -> None:
    progress = Reported()
    with under_way(progress, "a script"):
        for _ in range(2):
            progress.twice.acquire()
        assert not progress.finished
    assert progress.finished
    assert "a script" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.usefixtures("often")
def test_a_command_that_is_to_end_early_is_reported_no_more() -> None:
    progress = Reported(KeyboardInterrupt())
    with under_way(progress, "a script"):
        progress.twice.acquire()


def test_an_error_ends_the_reports() -> None:
    heard = Heard()
    with pytest.raises(OSError, match="failed"), under_way(heard, "a script"):
        raise OSError("failed")
    assert heard.totals == {"a script": None}
    assert heard.ended == []
    assert "a script" not in [thread.name for thread in threading.enumerate()]
