"""RECORD says what files have become."""

from __future__ import annotations

from conda_docker.prefix.records import Hashed, rewritten_record

RECORD = b"../../../bin/x,sha256=old,5\na.py,sha256=a,1\na-1.dist-info/RECORD,,\n"


def test_rows_of_rewritten_files() -> None:
    site = "lib/python3.12/site-packages"
    rewritten = rewritten_record(RECORD, site, {"bin/x": Hashed(bytes(32), 9)})
    zeros = b"sha256=" + b"A" * 43
    assert rewritten == RECORD.replace(b"sha256=old,5", zeros + b",9")


def test_nothing_was_rewritten() -> None:
    assert rewritten_record(RECORD, "lib", {}) == RECORD
    assert rewritten_record(b"\xff", "lib", {"x": Hashed(b"", 0)}) == b"\xff"
