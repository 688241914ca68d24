from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.errors import InvalidPackage
from conda_docker.pypi.wheel.record import (
    ExpectedHash,
    RecordedFile,
    hex_digest,
    matches,
    read_record,
    record_hash,
    write_record,
)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\/"), min_size=1), st.binary()
    )
)
def test_what_is_written_can_be_read(contents: dict[str, bytes]) -> None:
    contents.pop("RECORD", None)
    contents = {name: content for name, content in contents.items() if name not in (".", "..")}
    rows = [
        RecordedFile(f"site/{name}", record_hash(hashlib.sha256(content).digest()), len(content))
        for name, content in contents.items()
    ]
    found = read_record(write_record(rows, "site", "site/RECORD").decode(), "a.whl")
    assert found.keys() == contents.keys()
    assert all(matches(found[name], hashlib.sha256(content).digest()) for name, content in contents.items())


def test_files_outside_site_packages_are_recorded_relative_to_it() -> None:
    record = write_record(
        [RecordedFile("bin/a"), RecordedFile("lib/p/site/a.py", "sha256=x", 1)], "lib/p/site", "lib/p/site/RECORD"
    )
    assert record == b"../../../bin/a,,\nRECORD,,\na.py,sha256=x,1\n"


def test_weak_hashes_are_not_relied_on() -> None:
    assert read_record("a,md5=x,1\nb,sha512=y,2\n", "a.whl") == {"b": ExpectedHash("sha512", "y")}


@pytest.mark.parametrize(
    "expected", [None, ExpectedHash("sha512", "YQ"), ExpectedHash("sha256", "?"), ExpectedHash("sha256", "a")], ids=str
)
def test_what_states_no_sha256(expected: ExpectedHash | None) -> None:
    assert hex_digest(expected) is None


@given(st.binary())
def test_a_stated_sha256(content: bytes) -> None:
    digest = hashlib.sha256(content)
    row = ExpectedHash("sha256", record_hash(digest.digest()).removeprefix("sha256="))
    assert hex_digest(row) == digest.hexdigest()


def test_rows_of_another_form_are_refused() -> None:
    with pytest.raises(InvalidPackage, match="its RECORD cannot be read"):
        read_record("a,b\n", "a.whl")
