"""Records become packages, whoever wrote them, and hostile ones do not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.environment.locked import (
    LockedEnvironment,
    package_from_record,
    package_from_url,
)
from conda_docker.errors import InvalidEnvironment

URL = "https://conda.example.org/team/linux-64/numpy-2.1.0-py312_0.conda"
RECORD: dict[str, Any] = {
    "name": "numpy",
    "version": "2.1.0",
    "build": "py312_0",
    "build_number": 0,
    "depends": ["python >=3.12"],
    "subdir": "linux-64",
    "url": URL,
    "fn": "numpy-2.1.0-py312_0.conda",
    "channel": "https://conda.example.org/team",
    "sha256": "A" * 64,
    "md5": "b" * 32,
    "size": 12,
    "license": "BSD-3-Clause",
    "timestamp": 1_700_000_000_000,
}


def test_record() -> None:
    package = package_from_record(RECORD)
    assert (package.name, package.version, package.build, package.subdir) == ("numpy", "2.1.0", "py312_0", "linux-64")
    assert (package.sha256, package.md5, package.size) == ("a" * 64, "b" * 32, 12)
    assert (package.depends, package.noarch, package.timestamp) == (("python >=3.12",), None, 1_700_000_000_000)
    assert (package.stem, package.file_name) == ("numpy-2.1.0-py312_0", "numpy-2.1.0-py312_0.conda")
    assert package.record["license"] == "BSD-3-Clause"
    assert package.complete


def test_credentials_stay_in_the_url_alone() -> None:
    url = "https://me:s3cret@conda.example.org/t/tk-s3cret/team/linux-64/numpy-2.1.0-py312_0.conda"
    package = package_from_record(
        {**RECORD, "url": url, "channel": "https://me:s3cret@conda.example.org/t/tk-s3cret/team"}
    )
    assert package.url == url
    assert package.public_url == URL
    assert package.channel == "https://conda.example.org/team/"
    assert "s3cret" not in json.dumps(dict(package.record)) + str(package.channel)


@pytest.mark.parametrize(
    "channel", ["team", "https://conda.example.org/team/linux-64", "https://conda.example.org/team/"]
)
def test_the_channel_is_the_same_whoever_names_it(channel: str) -> None:
    package = package_from_record({**RECORD, "channel": channel})
    assert package.channel == package.record["channel"] == "https://conda.example.org/team/"


def test_what_installers_add_is_left_out() -> None:
    package = package_from_record(
        {**RECORD, "files": ["a"], "paths_data": {}, "link": {"type": 1}, "requested_spec": "x"}
    )
    assert package.record == package_from_record(RECORD).record


@pytest.mark.parametrize("timestamp", [-5, 10**15, 10**30, -1e300])
def test_times_before_1970_and_after_9999_are_unknown(timestamp: float) -> None:
    assert package_from_record({**RECORD, "timestamp": timestamp}).timestamp is None


def test_older_timestamps_are_seconds() -> None:
    assert package_from_record({**RECORD, "timestamp": 1_500_000_000}).timestamp == 1_500_000_000_000


@pytest.mark.parametrize(
    ("written", "kind"), [("python", "python"), ("generic", "generic"), (True, "generic"), (False, None)]
)
def test_noarch(written: object, kind: str | None) -> None:
    assert package_from_record({**RECORD, "noarch": written}).noarch == kind


@pytest.mark.parametrize(
    "fields",
    [
        {"name": None},
        {"url": None},
        {"name": "../etc"},
        {"version": "1/2"},
        {"build": "a\\b"},
        {"build": "a b"},
        {"name": ".hidden"},
        {"name": ["x"]},
        {"fn": "../../x.conda"},
        {"fn": None, "url": "https://host/c/linux-64/..%2F..%2Fx.conda"},
        {"sha256": "abc"},
        {"md5": 7},
        {"size": -1},
        {"size": "12"},
        {"depends": "python"},
        {"depends": [1]},
        {"noarch": "perl"},
        {"timestamp": "yesterday"},
        {"build_number": "many"},
        {"build_number": float("inf")},
        {"timestamp": float("inf")},
        {"timestamp": float("nan")},
        {"version": "1\ud800"},
        {"url": "http://[::1/a-1-0.conda"},
        {"url": "http://host:99999/a-1-0.conda"},
        {"url": "https:///linux-64/a-1-0.conda"},
        {"url": "https://host/\ud800/a-1-0.conda"},
    ],
)
def test_a_record_that_cannot_be_used(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidEnvironment, match="cannot be used"):
        package_from_record({**RECORD, **fields})


def test_a_record_that_nobody_filled_in() -> None:
    """As micromamba 2.1 to 2.3 wrote them."""
    unfilled = {"size": 0, "depends": [], "timestamp": 0, "md5": "", "sha256": "", "license": "", "constrains": []}
    package = package_from_record({**RECORD, **unfilled})
    assert not package.complete
    assert (package.size, package.timestamp, package.md5, package.sha256) == (None, None, None, None)
    filled = package.with_index({**RECORD, "depends": ["python >=3.12"]}, size=12, md5="b" * 32)
    assert filled.complete
    assert (filled.depends, filled.size, filled.md5) == (("python >=3.12",), 12, "b" * 32)
    assert (filled.timestamp, filled.record["license"]) == (1_700_000_000_000, "BSD-3-Clause")


def test_nothing_is_known_by_an_empty_hash() -> None:
    package = package_from_record({**RECORD, "md5": "", "timestamp": 0})
    assert package.complete
    assert (package.md5, package.timestamp, package.depends) == (None, None, ("python >=3.12",))


def test_free_threaded_python_says_itself_where_its_modules_are() -> None:
    record = {
        **RECORD,
        "name": "python",
        "version": "3.13.1",
        "build": "h1_0_cp313t",
        "url": f"{URL[:-24]}python.conda",
    }
    package = package_from_record(record)
    assert not package.complete
    path = "lib/python3.13t/site-packages"
    filled = package.with_index({**record, "python_site_packages_path": path})
    assert (filled.complete, filled.python_site_packages_path) == (True, path)
    assert package_from_record({**record, "python_site_packages_path": path}).complete
    assert package_from_record({**record, "build": "h1_0_cp313"}).complete


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted({*RECORD, "noarch", "python_site_packages_path"})), json_values))
def test_any_record_is_a_package_or_an_error(fields: dict[str, Any]) -> None:
    try:
        package = package_from_record({**RECORD, **fields})
    except InvalidEnvironment:
        return
    for text in (package.name, package.version, package.build, package.file_name):
        assert "/" not in text
        assert "\\" not in text
        assert not text.startswith(".")


def test_url() -> None:
    package = package_from_url(f"{URL}", md5="c" * 32)
    assert (package.name, package.version, package.build) == ("numpy", "2.1.0", "py312_0")
    assert (package.subdir, package.channel, package.md5) == ("linux-64", "https://conda.example.org/team/", "c" * 32)
    assert not package.complete


def test_url_with_a_dash_in_the_name_and_an_epoch() -> None:
    package = package_from_url("https://host/c/noarch/my-own-tool-1%212.0-h1_0.tar.bz2")
    assert (package.name, package.version, package.build) == ("my-own-tool", "1!2.0", "h1_0")


@pytest.mark.parametrize(
    "url", ["https://host/c/noarch/numpy.conda", "https://host/x.zip", "https://host/a-1.conda", ""]
)
def test_url_of_no_package(url: str) -> None:
    with pytest.raises(InvalidEnvironment, match="not a conda package's URL"):
        package_from_url(url)


def test_a_packages_own_index_fills_in_what_a_url_does_not_tell() -> None:
    index = {"name": "numpy", "version": "2.1.0", "build": "py312_0", "build_number": 3, "depends": ["python"]}
    package = package_from_url(URL, md5="b" * 32).with_index(index, sha256="d" * 64)
    assert (package.build_number, package.depends, package.sha256, package.md5) == (3, ("python",), "d" * 64, "b" * 32)
    assert package.complete


def test_the_channels_index_wins_over_the_packages_own() -> None:
    index = {**RECORD, "depends": ["python >=3.8"], "license": "unknown", "noarch": None}
    assert package_from_record(RECORD).with_index(index).depends == ("python >=3.12",)


def test_the_index_of_another_package_is_refused() -> None:
    with pytest.raises(InvalidEnvironment, match="a different package than its name says: scipy"):
        package_from_url(URL).with_index({"name": "scipy", "version": "1", "build": "0"})


def test_environment_knows_its_python_and_puts_packages_in_order() -> None:
    python = package_from_record({**RECORD, "name": "python", "version": "3.12.1", "build": "0", "depends": []})
    numpy = package_from_record(RECORD)
    environment = LockedEnvironment("linux-64", ()).with_packages((numpy, python))
    assert environment.packages == (python, numpy)
    assert environment.python is python
    assert environment.complete
