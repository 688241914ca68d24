"""Dask's profiler in workers: stopped where Python may hang by it, and left alone elsewhere."""

from __future__ import annotations

import pytest

pytest.importorskip("distributed")

import dask
import distributed

from conda_docker.baking.cluster import profiler
from conda_docker.baking.cluster.profiler import may_hang, without_profiler


def _runs_on() -> bool:
    """Return whether the profiler of a worker still runs once a task of this program was there."""
    without_profiler()
    return bool(distributed.get_worker().periodic_callbacks["profile"].is_running())


@pytest.mark.parametrize("hangs", [True, False])
def test_the_profiler_is_stopped_where_python_may_hang_by_it(monkeypatch: pytest.MonkeyPatch, *, hangs: bool) -> None:
    monkeypatch.setattr(profiler, "may_hang", lambda version: hangs)
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with (
        dask.config.set({"distributed.worker.profile.enabled": True}),
        distributed.LocalCluster(**options) as cluster,  # type: ignore[no-untyped-call]
        distributed.Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        assert client.submit(_runs_on).result() is not hangs


@pytest.mark.parametrize(
    ("version", "hangs"),
    [((3, 11, 0), True), ((3, 11, 2), True), ((3, 11, 9), True), ((3, 12, 0), False), ((3, 13, 1), False)],
)
def test_releases_that_may_hang(version: tuple[int, int, int], *, hangs: bool) -> None:
    assert may_hang(version) is hangs


def test_elsewhere_there_is_nothing_to_stop() -> None:
    without_profiler()
