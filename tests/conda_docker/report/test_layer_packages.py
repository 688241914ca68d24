"""Which packages a layer has, and which are left when all layers are applied."""

from __future__ import annotations

from conda_docker.provenance.installed import InstalledPackage
from conda_docker.report.layer_files import LayerFiles
from conda_docker.report.layer_packages import LayerPackages, packages_in_layer, remaining_packages
from conda_docker.report.records import Record
from conda_docker.verification.steps import Step
from python_docker.image import Image

LAYER = Image().add_layer_contents({"/a": b""})
META = "opt/conda/conda-meta"


def record(name: str, version: str = "1", *paths: str, license_: str | None = None) -> Record:
    path = f"{META}/{name}-{version}-0.json"
    return Record("conda", name, version, "0", None, license_, "/opt/conda", path, frozenset({path, *paths}))


def named(name: str, version: str = "1") -> InstalledPackage:
    url = f"https://example.com/main/noarch/{name}-{version}-0.conda"
    return InstalledPackage(name, version, "0", url, None, "/opt/conda")


def layer(
    *records: Record,
    position: int = 0,
    history: tuple[InstalledPackage, ...] = (),
    sizes: dict[str, int] | None = None,
    removed: frozenset[str] = frozenset(),
) -> LayerPackages:
    files = LayerFiles(sizes or {}, records, removed)
    step = Step(position, LAYER, "packages" if history else "other", history)
    return packages_in_layer(step, files, frozenset({("/opt/conda", "conda", "a")}), {})


def test_history_names_packages_and_records_their_licenses() -> None:
    found = layer(record("a", license_="MIT"), record("stray"), history=(named("a"), named("b")))
    assert [(each.name, each.license, each.channel, each.requested) for each in found.packages] == [
        ("a", "MIT", "https://example.com/main/", True),
        ("b", None, "https://example.com/main/", False),
    ]


def test_without_history_there_are_the_packages_whose_records_are_there() -> None:
    found = layer(record("a", "2", "opt/conda/x"), record("b"), sizes={"opt/conda/x": 5, "etc/y": 7})
    assert [(each.name, each.version, each.layer) for each in found.packages] == [("a", "2", 1), ("b", "1", 1)]
    assert found.sizes() == [5, 0]


def test_the_only_package_of_a_layer_has_all_of_it() -> None:
    found = layer(record("a"), history=(named("a"),), sizes={"opt/conda/__pycache__/a.pyc": 5, "opt/conda/b": 1})
    assert found.sizes() == [6]


def test_a_layer_that_is_not_read_has_what_is_known_otherwise() -> None:
    step = Step(0, LAYER, "packages", (named("a"), named("b")))
    found = packages_in_layer(step, None, frozenset(), {("conda", "a", "1"): "ISC"})
    assert [each.license for each in found.packages] == ["ISC", None]
    assert found.sizes() == [None, None]


def test_upper_layers_replace_and_remove_packages() -> None:
    lower = layer(record("a"), record("b"), record("c"))
    upper = layer(record("a", "2"), position=1, removed=frozenset({f"{META}/a-1-0.json", f"{META}/b-1-0.json"}))
    left = remaining_packages([lower, upper])
    assert [(each.name, each.version, each.layer) for each in left] == [("a", "2", 2), ("c", "1", 1)]


def test_a_folder_that_is_removed_takes_its_packages_along() -> None:
    assert remaining_packages([layer(record("a")), layer(position=1, removed=frozenset({"opt/conda"}))]) == []
