"""What an image's history says of its packages is what was written there, and nothing else is taken for it."""

from __future__ import annotations

import json

import pytest

from conda_docker.environment.activation_script import ActivationScript
from conda_docker.environment.inputs.lock_files.explicit import parse_explicit
from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.environment.packages.wheels import Distribution, LockedWheel
from conda_docker.image.build_record import BuildRecord
from conda_docker.provenance import (
    copied_distributions,
    environment_history,
    explicit_line,
    link_scripts_history,
    packages_history,
    packages_of_layer,
    prefix_history,
    prefix_of_environment,
    prefix_of_link_scripts,
    read_environments,
)
from python_docker.errors import NotFound
from python_docker.image import Image
from python_docker.image.layer import Layer
from python_docker.spec.documents.manifest import History
from tests.python_docker.registry.contents import opaque_layer

PREFIX = "/opt/my env"
CREATED = "2026-01-31T00:00:00Z"
SHA256, MD5 = 64 * "a", 32 * "b"
ZLIB = package_from_record(
    {
        "name": "zlib",
        "version": "1.3",
        "build": "h_0",
        "url": "https://me:secret@conda.example.org/forge/linux-64/zlib-1.3-h_0.conda",
        "sha256": SHA256,
    }
)
OLD = package_from_record(
    {"name": "old", "version": "1", "build": "0", "url": "https://x.org/c/noarch/old-1-0.tar.bz2", "md5": MD5}
)
SIX = LockedWheel(name="six", version="1.17", url="https://x.org/six-1.17-py3-none-any.whl", sha256=SHA256)
ENVIRONMENT = LockedEnvironment(
    "linux-64",
    (ZLIB, OLD),
    requested=("zlib >=1",),
    variables={"A": "1"},
    scripts=(ActivationScript("a.sh", "export B=2\n"),),
    wheels=(SIX,),
    replaced=(Distribution("six", "1.16", "six-1.16-0"),),
)


def layer(*history: History) -> Layer:
    made = opaque_layer(b"x")
    return Layer(made.blob, made.diff_id, history=history)


def image(*history: History) -> Image:
    made = Image()
    made.layers[:] = [layer(entry) for entry in reversed(history)]
    return made


def test_packages_are_read_as_they_were_written() -> None:
    found = packages_of_layer(layer(packages_history((ZLIB, OLD, SIX), PREFIX, CREATED)))
    assert [(package.name, package.version, package.build, package.hash) for package in found] == [
        ("zlib", "1.3", "h_0", f"sha256:{SHA256}"),
        ("old", "1", "0", MD5),
        ("six", "1.17", "pypi_0", f"sha256:{SHA256}"),
    ]
    assert {package.prefix for package in found} == {PREFIX}
    assert [package.channel for package in found][1:] == ["https://x.org/c", "pypi"]
    assert [package.explicit() for package in found] == [explicit_line(ZLIB), explicit_line(OLD), explicit_line(SIX)]


def test_no_login_is_written() -> None:
    entry = packages_history((ZLIB,), PREFIX, CREATED)
    assert "secret" not in str(entry.comment)


def test_many_packages_are_named_in_short() -> None:
    assert packages_history((ZLIB, OLD, SIX, SIX), PREFIX, CREATED).created_by == (
        f"conda-docker: {ZLIB.stem}, {OLD.stem}, {SIX.stem} and 1 more"
    )


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
