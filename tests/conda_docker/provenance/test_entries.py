"""What the history of a layer is written as."""

from __future__ import annotations

from conda_docker.provenance.entries import packages_history
from tests.conda_docker.provenance.made import CREATED, OLD, PREFIX, SIX, ZLIB


def test_no_login_is_written() -> None:
    entry = packages_history((ZLIB,), PREFIX, CREATED)
    assert "secret" not in str(entry.comment)


def test_many_packages_are_named_in_short() -> None:
    assert packages_history((ZLIB, OLD, SIX, SIX), PREFIX, CREATED).created_by == (
        f"conda-docker: {ZLIB.stem}, {OLD.stem}, {SIX.stem} and 1 more"
    )
