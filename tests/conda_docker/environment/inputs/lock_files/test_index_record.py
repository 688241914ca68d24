"""What an entry of a lock file leaves out of a package's record, and what stands in for it."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.lock_files.index_record import described_package
from conda_docker.environment.locked import LockedPackage, package_from_url
from conda_docker.yaml_document import parse_document

FORGE = "https://conda.example.org/forge"


def described(text: str, file: str = "linux-64/zlib-1.3-h1_7.conda", *, derives_noarch: bool = True) -> LockedPackage:
    entry = parse_document(text or "{}", "a.lock")
    return described_package(entry, package_from_url(f"{FORGE}/{file}"), derives_noarch=derives_noarch)


def test_what_the_url_says_counts_where_the_entry_says_nothing() -> None:
    found = described("size: 10")
    assert (found.name, found.version, found.build, found.build_number) == ("zlib", "1.3", "h1_7", 7)
    assert (found.subdir, found.channel, found.complete) == ("linux-64", f"{FORGE}/", True)
    assert (found.record["arch"], found.record["platform"]) == ("x86_64", "linux")


def test_what_the_entry_says_comes_first() -> None:
    found = described("build_number: 3\nlicense: Zlib\ndepends: [a]\ntrack_features: 'x, y'\nsize: 1\nconstrains: [b]")
    assert (found.build_number, found.depends) == (3, ("a",))
    assert (found.record["license"], found.record["track_features"]) == ("Zlib", "x y")
    assert found.record["constrains"] == ["b"]


def test_without_size_and_time_the_package_must_be_asked() -> None:
    assert not described("md5: " + 32 * "a").complete
    assert described("timestamp: 1700000000000").complete


@pytest.mark.parametrize(
    ("text", "file", "noarch"),
    [
        ("", "noarch/a-1-pyhd8ed1ab_0.conda", "python"),
        ("", "noarch/a-1-h_0.conda", "generic"),
        ("", "linux-64/a-1-py312_0.conda", None),
        ("noarch: generic", "noarch/a-1-pyhd_0.conda", "generic"),
        ("noarch: 'false'", "noarch/a-1-pyhd_0.conda", None),
        ("noarch: 'true'", "linux-64/a-1-0.conda", "generic"),
    ],
)
def test_the_kind_of_a_noarch_package(text: str, file: str, noarch: str | None) -> None:
    assert described(text, file).noarch == noarch


def test_the_kind_is_not_derived_where_the_form_always_says_it() -> None:
    assert described("", "noarch/a-1-pyhd_0.conda", derives_noarch=False).noarch is None


def test_a_build_number_of_absurd_length_is_none() -> None:
    assert described("", f"linux-64/a-1-h_{20 * '9'}.conda").build_number == 0
