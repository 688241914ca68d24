"""Files and links of a base image where an environment has folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.image.base.in_the_way import check_below, check_home, check_prefix
from conda_docker.image.base.reading import read_base_system
from conda_docker.layers.facts import LayerFacts, path_hash
from python_docker.errors import UnsupportedFormat
from python_docker.tar import TarEntry
from tests.conda_docker.image.base.test_reading import file, image_of, link

FACTS = [LayerFacts(folders=frozenset(map(path_hash, ["bin", "lib", "lib/x"])), paths=frozenset({path_hash("bin/a")}))]


@pytest.mark.parametrize(
    "entries",
    [
        [file("opt")],
        [file("opt/conda")],
        [link("opt/conda", "../srv/file"), file("srv/file")],
        [link("opt", "conda"), link("conda", "opt")],
        [link("opt", "var/opt"), file("var/opt/conda")],
        [link("opt/conda", "/"), file("bin/sh")],
    ],
)
def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path: Path, entries: list[tuple[TarEntry, bytes]]) -> None:
    for _ in range(2):
        with pytest.raises(UnsupportedFormat, match="--prefix-in-image"):
            check_prefix("/opt/conda", read_base_system(image_of(entries), tmp_path))


def test_other_files_are_not_in_the_way_of_a_folder(tmp_path: Path) -> None:
    entries = [
        file("opt/conda/bin/x"),
        file("opt/conda2"),
        file("bin/conda"),
        link("srv", "/"),
        link("data", "var/data"),
    ]
    system = read_base_system(image_of(entries), tmp_path)
    for path in ("/opt/conda", "/srv/conda", "/data/conda"):
        check_prefix(path, system)
    assert system.real_path("/srv/conda") == "/conda"
    assert system.real_path("/srv") == "/"
    assert system.real_file("/srv/file") == "/file"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([link("opt/conda/bin", "real"), file("opt/conda/real/x")], "/opt/conda/bin is a link to /opt/conda/real in"),
        ([link("opt/conda/bin", "/usr/bin")], "/opt/conda/bin is a link to /usr/bin in"),
        ([file("opt/conda/lib/x")], "/opt/conda/lib/x is a file in"),
        ([link("opt", "var/opt"), link("var/opt/conda/lib", "/lib")], "/var/opt/conda/lib is a link to /lib in"),
    ],
)
def test_what_a_folder_of_the_environment_would_replace(
    tmp_path: Path, entries: list[tuple[TarEntry, bytes]], said: str
) -> None:
    system = read_base_system(image_of(entries), tmp_path)
    with pytest.raises(UnsupportedFormat, match=said):
        check_below("/opt/conda", system, FACTS)


def test_what_is_replaced_by_a_file_or_not_at_all_is_no_obstacle(tmp_path: Path) -> None:
    entries = [link("opt/conda/lib64", "lib"), file("opt/conda/bin/a"), link("bin", "usr/bin"), file("opt/conda/f")]
    check_below("/opt/conda", read_base_system(image_of(entries), tmp_path), FACTS)


def test_a_file_in_the_way_of_a_home(tmp_path: Path) -> None:
    system = read_base_system(image_of([file("home"), link("data", "srv")]), tmp_path)
    check_home("/data/app", system)
    with pytest.raises(UnsupportedFormat, match=r"/home of the base image is no folder .* --home"):
        check_home("/home/app", system)
