"""With `ROOM_COVERAGE=1` in the environment: the lines and branches of some rooms that their own tests run.

Tracing every test takes 1.8 times the processor time on Python 3.11. Here only the tests of these rooms are traced, so
that what is printed is also the stricter measure: a line that another room's test happens to run does not count.
`make coverage` measures everything.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from coverage import Coverage
from coverage.exceptions import CoverageException, CoverageWarning

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".coverage-rooms"
ROOMS = {
    "conda_docker.layers": "tests/conda_docker/layers",
    "conda_docker.link": "tests/conda_docker/link",
    "python_docker.registry": "tests/python_docker/registry",
}
"""Rooms in which a wrong line puts wrong bytes into images, or sends them to the wrong place, with their tests."""

_EXCLUDED = ["if TYPE_CHECKING:", "@overload", "raise AssertionError", "raise NotImplementedError", r"\.\.\.$"]
# Runs in other interpreters, which have no coverage: every test of `compiler` runs it there.
_OMITTED = ["*/link/bytecode/worker.py"]


def measuring(*, parallel: bool) -> Coverage:
    """Return what measures the rooms; with `parallel`, into a file of this process."""
    coverage = Coverage(
        str(FOLDER / "data"),
        data_suffix=parallel or None,
        branch=True,
        source_pkgs=list(ROOMS),
        config_file=False,
        omit=_OMITTED,
        messages=False,
    )
    for pattern in _EXCLUDED:
        coverage.exclude(pattern)
    return coverage


class RoomCoverage:
    """Measures in each process that runs tests, and reports in the one that the user started."""

    def __init__(self, *, is_worker: bool) -> None:
        if not is_worker:
            shutil.rmtree(FOLDER, ignore_errors=True)
            FOLDER.mkdir()
        self._coverage = measuring(parallel=True)
        self._folders = tuple(str(ROOT / folder) for folder in ROOMS.values())
        self._is_worker = is_worker
        self._problem = ""
        self._import_rooms()

    def _import_rooms(self) -> None:
        """Import all modules of the rooms, or what is run on importing them would depend on which test is the first."""
        self._coverage.start()
        for room in ROOMS:
            for module in walk_packages(import_module(room).__path__, f"{room}."):
                import_module(module.name)
        self._coverage.stop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Measure while a test of the rooms runs."""
        if not str(item.path).startswith(self._folders):
            return (yield)
        self._coverage.start()
        try:
            return (yield)
        finally:
            self._coverage.stop()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Keep what was measured, before pytest-xdist says that this process is done."""
        try:
            self._coverage.save()
        except (CoverageException, CoverageWarning) as error:
            self._problem = str(error)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the lines and branches that no test of the rooms has run."""
        if self._is_worker:
            return  # it hands its part to the process that the user started
        terminalreporter.section("lines and branches of rooms that their own tests do not run")
        text = io.StringIO()
        try:
            total = measuring(parallel=False)
            total.combine([str(FOLDER)])
            total.report(file=text, show_missing=True, skip_covered=True)
        except (CoverageException, CoverageWarning) as error:
            self._problem = str(error)
        terminalreporter.write(text.getvalue())
        if self._problem:
            # The tests have passed or failed all the same.
            terminalreporter.write_line(f"coverage is not whole: {self._problem}")
