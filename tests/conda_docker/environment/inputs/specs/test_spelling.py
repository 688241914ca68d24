"""Match specs are read as conda reads them, and a warning says where that is not what is written."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.specs.spelling import as_conda_reads


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a[x]", "a"),
        ("a[x, y-z] >=1,<2", "a >=1,<2"),
        ("channel::a[x]==1", "channel::a==1"),
        ("a=>1", "a>=1"),
        ("a =< 1,!=0", "a <= 1,!=0"),
        ("a=", "a"),
    ],
)
def test_what_is_read_in_another_way(written: str, read: str) -> None:
    assert as_conda_reads(written, "here")[0] == read
    assert str(as_conda_reads(written, "here")[1]).startswith(f"here: {written!r} is read as {read!r}")


@pytest.mark.parametrize(
    "spec", ["a", "a==1", "a=1=0", "a>=1", "a[build=x]", "a[version='>=1']", "a!=1", "a 1 0", "a[version=>2]"]
)
def test_what_stays(spec: str) -> None:
    assert as_conda_reads(spec, "here") == (spec, None)
