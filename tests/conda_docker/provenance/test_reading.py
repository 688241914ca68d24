"""What an image's history says of its packages is what was written there, and nothing else is taken for it."""

from __future__ import annotations

import json

import pytest

from conda_docker.environment.inputs.lock_files.explicit import parse_explicit
from conda_docker.image.build_record import BuildRecord
from conda_docker.provenance.entries import (
    environment_history,
    explicit_line,
    link_scripts_history,
    packages_history,
    prefix_history,
)
from conda_docker.provenance.reading import (
    copied_distributions,
    packages_of_layer,
    prefix_of_environment,
    prefix_of_link_scripts,
    read_environments,
)
from python_docker.errors import NotFound
from python_docker.spec.documents.image_config import History
from tests.conda_docker.provenance.made import CREATED, ENVIRONMENT, MD5, OLD, PREFIX, SHA256, SIX, ZLIB, image, layer


def test_packages_are_read_as_they_were_written() -> None:
    found = packages_of_layer(layer(packages_history((ZLIB, OLD, SIX), PREFIX, CREATED)))
    assert [(package.name, package.version, package.build, package.hash) for package in found] == [
        ("zlib", "1.3", "h_0", f"sha256:{SHA256}"),
        ("old", "1", "0", MD5),
        ("six", "1.17", "pypi_0", f"sha256:{SHA256}"),
    ]
    assert {package.prefix for package in found} == {PREFIX}


def test_an_environment_is_read_as_it_was_written() -> None:
    build = BuildRecord(bytecode="3.12.1")
    [found] = read_environments(
        image(
            packages_history((ZLIB, OLD, SIX), PREFIX, CREATED),
            environment_history(ENVIRONMENT, PREFIX, CREATED, build.to_json()),
        )
    )
    assert (found.prefix, found.subdir, found.requested) == (PREFIX, "linux-64", ENVIRONMENT.requested)
    assert (found.variables, found.scripts) == (ENVIRONMENT.variables, ENVIRONMENT.scripts)
    assert found.wheels["replaced"] == [["six", "1.16", "six-1.16-0"]]
    assert BuildRecord.from_json(found.build) == build
    again = parse_explicit(found.explicit())
    assert [package.stem for package in again.packages] == [ZLIB.stem, OLD.stem]
    assert [wheel.stem for wheel in again.wheels] == [SIX.stem]
    assert (again.variables, again.scripts) == (ENVIRONMENT.variables, ENVIRONMENT.scripts)


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "hello",
        "conda environment in /opt/conda:\nnot JSON",
        "conda environment in /opt/conda:\n[]",
        'conda environment in /opt/conda:\n{"subdir": "linux-64"}',
        'conda environment in /opt/conda:\n{"subdir": "linux-64", "requested": [], "variables": []}',
    ],
)
def test_other_history_is_passed_over(comment: str) -> None:
    with pytest.raises(NotFound, match="was not built by conda-docker"):
        read_environments(image(History(comment=comment)))


def test_lines_that_name_no_package_are_passed_over() -> None:
    entry = History(comment=f"conda packages in {PREFIX}:\nhttps://x.org/nothing\n{explicit_line(OLD)}\n# pip x")
    assert [package.name for package in packages_of_layer(layer(entry))] == ["old"]


def test_layers_say_what_made_them() -> None:
    scripts = layer(link_scripts_history((ZLIB,), PREFIX, CREATED))
    own = layer(environment_history(ENVIRONMENT, PREFIX, CREATED))
    assert (prefix_of_link_scripts(scripts), prefix_of_link_scripts(own)) == (PREFIX, None)
    assert (prefix_of_environment(own), prefix_of_environment(scripts)) == (PREFIX, None)


def test_what_pip_had_installed_is_listed_by_name_and_version() -> None:
    entry = prefix_history({"pip": 3}, ["app==1.0", "egg==2"], PREFIX, CREATED)
    assert copied_distributions(image(entry), PREFIX) == [("app", "1.0"), ("egg", "2")]
    assert copied_distributions(image(entry), "/elsewhere") == []
    assert copied_distributions(image(prefix_history({"own": 1}, [], PREFIX, CREATED)), PREFIX) == []
    damaged = History(comment=f"conda prefix files in {PREFIX}:\n{json.dumps([])}")
    assert copied_distributions(image(damaged), PREFIX) == []
