"""What there is to see of an image."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import pytest

from conda_docker.comparison.compare import Package, Side
from conda_docker.comparison.side import side_of_image
from conda_docker.report.contents import Report
from conda_docker.report.gather import gather_report
from python_docker.errors import NotFound
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.layer_builder import build_layer
from python_docker.spec.documents.image_config import History
from python_docker.tar import TarEntry
from python_docker.transports import Location

PLACE = Location("docker", "", "example.com/app:1.0")
META = "opt/conda/conda-meta"


def conda_record(name: str, version: str = "1", files: tuple[str, ...] = (), **more: object) -> dict[str, bytes]:
    record = {"name": name, "version": version, "build": "0", "files": list(files), **more}
    return {f"{META}/{name}-{version}-0.json": json.dumps(record).encode()}


def gather(image: Image, **options: Any) -> Report:
    return gather_report(image, PLACE, **options)


def packages(report: Report) -> dict[str, tuple[str, str | None, int | None]]:
    return {each.name: (each.version, each.license, each.layer) for each in report.packages or ()}


def test_packages_of_an_image_of_others_are_found_by_their_records() -> None:
    image = Image("app", "1.0")
    image.add_layer_contents({"/usr/bin/tool": b"x" * 100})
    image.add_layer_contents(
        {
            "/opt/conda/lib/a.so": b"a" * 50,
            "/opt/conda/lib/b.so": b"b" * 30,
            "/opt/conda/other": b"c" * 20,
            **{f"/{path}": content for path, content in conda_record("a", files=("lib/a.so",), license="MIT").items()},
            **{f"/{path}": content for path, content in conda_record("b", files=("lib/b.so",)).items()},
        }
    )
    report = gather(image)
    assert packages(report) == {"a": ("1", "MIT", 2), "b": ("1", None, 2)}
    sizes = {each.name: each.size for each in report.packages or ()}
    records = {
        name: len(next(iter(conda_record(name, files=(f"lib/{name}.so",), **more).values())))
        for name, more in (("a", {"license": "MIT"}), ("b", {}))
    }
    assert sizes == {"a": 50 + records["a"], "b": 30 + records["b"]}
    assert [part.name for part in report.layers[1].parts if part.kind == "conda"] == ["a 1", "b 1"]
    assert report.unpacked == sum(layer.unpacked or 0 for layer in report.layers)
    assert report.notes == ()


def test_a_layer_that_replaces_or_removes_a_package() -> None:
    image = Image("app", "1.0")
    image.add_layer_contents({f"/{path}": data for name in "abc" for path, data in conda_record(name).items()})
    with build_layer(None) as builder:
        builder.add(TarEntry(f"{META}/.wh.a-1-0.json"), b"")
        builder.add(TarEntry(f"{META}/.wh.b-1-0.json"), b"")
        for path, content in conda_record("a", "2").items():
            builder.add(TarEntry(path, size=len(content)), content)
    assert builder.layer is not None
    image.add_layer(builder.layer)
    assert packages(gather(image)) == {"a": ("2", None, 2), "c": ("1", None, 1)}


def test_an_image_that_names_no_packages() -> None:
    image = Image("app", "1.0")
    image.add_layer_contents({"/a": b"a"})
    report = gather(image)
    assert report.packages == ()
    assert "by folder" in report.notes[0]


def test_documents_alone() -> None:
    image = Image("app", "1.0")
    image.add_layer_contents({"/a": b"a"})
    report = gather(image, layers=False)
    assert (report.unpacked, report.files, report.packages) == (None, None, None)
    assert report.layers[0].parts == ()
    assert "not read" in report.notes[0]


def test_a_foreign_layer_that_is_elsewhere() -> None:
    def missing() -> BinaryIO:
        raise NotFound("there is no such blob")

    image = Image("app", "1.0")
    layer = image.add_layer_contents({"/a": b"a"})
    foreign = layer.descriptor.replace(
        media_type="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=("https://example.com/layer",)
    )
    image.layers[0] = layer.with_blob(Blob(foreign, missing))
    report = gather(image)
    assert (report.layers[0].size, report.layers[0].files) == (layer.size, 0)
    assert report.notes[0].startswith("Layer 1 is not here")
    image.layers[0] = layer.with_blob(Blob(layer.descriptor, missing))
    with pytest.raises(NotFound):
        gather(image)


def test_an_image_from_scratch() -> None:
    report = gather(Image("app", "1.0"))
    assert (report.size, report.unpacked, report.files, report.layers) == (0, 0, 0, ())


def test_what_another_image_has_already() -> None:
    before = Image("app", "1.0")
    before.add_layer_contents({"/a": b"a"})
    after = before.copy()
    layer = after.add_layer_contents({"/b": b"b"})
    found = gather(after, against=side_of_image("before", before)).comparison
    assert found is not None
    assert found.layers is not None
    assert [each.digest for each in found.layers.new] == [layer.digest]
    assert (found.before, len(found.layers.shared)) == ("before", 1)


def test_packages_that_were_found_are_compared() -> None:
    image = Image("app", "1.0")
    image.add_layer_contents({f"/{path}": data for name in "ab" for path, data in conda_record(name).items()})
    before = Side("app.lock", "file", "linux/amd64", (Package("conda", "a", "0.9"), Package("conda", "c", "1")))
    found = gather(image, against=before).comparison
    assert found is not None
    assert [each.after.version for each in found.changed or ()] == ["1"]
    assert [[each.name for each in changes or ()] for changes in (found.added, found.removed)] == [["b"], ["c"]]


def test_the_runtime_config() -> None:
    image = Image("app", "1.0")
    image.config["Env"] += ["A=1=2", "B"]
    image.config["ExposedPorts"]["80/tcp"] = {}
    image.config["Healthcheck"] = {"Test": ["CMD", "true"]}
    image.config["Labels"]["who"] = "me"
    runtime = gather(image).runtime
    assert runtime.env == (("A", "1=2"), ("B", ""))
    assert (runtime.ports, runtime.healthcheck, runtime.labels) == (("80/tcp",), ("CMD", "true"), {"who": "me"})


def test_layers_are_called_by_what_made_them() -> None:
    image = Image("app", "1.0")
    for made in ("/bin/sh -c #(nop) ADD file:abc in / ", "RUN /bin/sh -c apt-get update # buildkit", "COPY . /app", ""):
        with build_layer(None) as builder:
            builder.add(TarEntry(f"file{len(made)}"), b"")
        assert builder.layer is not None
        layer = image.add_layer(builder.layer)
        layer.history = (History(created_by=made),) if made else ()
    titles = [layer.title for layer in gather(image).layers]
    assert titles == ["ADD file:abc in /", "apt-get update", "COPY . /app", "layer 4"]


def test_it_can_be_printed_as_json() -> None:
    image = Image("app", "1.0")
    image.add_layer_contents({"/caf\udce9": b"a"})
    assert json.loads(json.dumps(gather(image).to_json()))["layers"][0]["parts"][0]["name"] == "caf\\xe9"
