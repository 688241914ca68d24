"""What manifests and indexes may not say."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from python_docker.spec.digest import Digest
from python_docker.spec.media_types import OCI_MANIFEST, ImageFormat
from python_docker.transports import open_source
from python_docker.validation import Severity, validate_source
from tests.images import layer_tar, write_oci_layout
from tests.python_docker.in_memory import Many
from tests.python_docker.making import HELLO, Made
from tests.python_docker.validation.problems import (
    ERROR,
    STORED,
    WARNING,
    change,
    has,
    told,
)


def change_layer(**fields: Any) -> Callable[[Made], None]:
    return lambda made: made.value["layers"][0].update(fields)


def change_config(**fields: Any) -> Callable[[Made], None]:
    return lambda made: made.value["config"].update(fields)


DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@pytest.mark.parametrize(
    ("apply", "severity", "text"),
    [
        (change_layer(mediaType=DOCKER_LAYER), ERROR, "but the manifest is oci's"),
        (change_config(mediaType=ImageFormat.DOCKER.config_type), ERROR, "but the manifest is oci's"),
        (change_layer(mediaType=f"{DOCKER_LAYER[:-4]}zstd"), WARNING, "in no specification"),
        (
            change_layer(mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
            WARNING,
            "deprecated",
        ),
        (change_layer(data="e30="), ERROR, "layer 1 brings data that are not what its digest"),
        (change_layer(data="!"), ERROR, "layer 1 brings data"),
        (change_layer(Size=3), ERROR, "layer 1: the field 'Size' is 'size' to some tools"),
        (change_config(digest="multihash:abc", size=1), WARNING, "digest of multihash"),
        (change(Layers=[]), ERROR, "the field 'Layers' is 'layers' to some tools"),
        (lambda made: made.value.pop("mediaType"), WARNING, "it has no mediaType"),
        (change(layers=[]), ERROR, "its diff IDs (1) and the manifest's layers (0) must match"),
        (change(layers=[]), WARNING, "it has no layers"),
        (change_layer(mediaType="application"), ERROR, "the mediaType of layer 1 is 'application', which is not a"),
        (change_layer(mediaType="-x/y"), ERROR, "the mediaType of layer 1 is '-x/y'"),
        (change_layer(mediaType=f"a/{128 * 'b'}"), ERROR, "which is not a media type"),
        (change_layer(mediaType="a/b c"), ERROR, "which is not a media type"),
        (change_layer(artifactType="x/.y"), ERROR, "the artifactType of layer 1 is 'x/.y'"),
        (change(artifactType="kitchen"), ERROR, "artifactType is 'kitchen', which is not a media type"),
        (change_layer(urls=["somewhere"]), ERROR, "layer 1 has the URL 'somewhere', which is not an absolute URI"),
        (change_layer(urls=["https://example.org/a b"]), ERROR, "which is not an absolute URI"),
        (change_layer(data="e30"), ERROR, "layer 1 brings data that are not"),
        (
            change(subject={"mediaType": "x", "digest": Digest.of(b""), "size": 0}),
            ERROR,
            "the mediaType of the subject",
        ),
    ],
)
def test_what_a_manifest_may_not_say(apply: Callable[[Made], object], severity: Severity, text: str) -> None:
    made = Made()
    apply(made)
    report = validate_source(made)
    assert has(report, severity, text), told(report)


def test_data_that_a_descriptor_brings_along_may_be_right() -> None:
    made = Made()
    made.value["layers"][0]["data"] = base64.b64encode(STORED).decode()
    assert told(validate_source(made)) == []
    made.value["layers"][0] |= {"digest": "multihash:abc"}
    made.blobs[Digest("multihash:abc")] = STORED
    assert validate_source(made).ok


def test_docker_s_manifests_have_no_annotations() -> None:
    made = Made(image_format=ImageFormat.DOCKER, annotations={"a": "b"})
    assert told(validate_source(made)) == [
        f"warning: manifest sha256:{made.root().digest.short}: it has annotations, which Docker's format does not know"
    ]


@pytest.mark.parametrize(("number", "ok"), [(125, True), (126, False)])
def test_docker_takes_no_more_than_125_layers(number: int, ok: bool) -> None:
    report = validate_source(Made([layer_tar({"a": b"%d" % n}) for n in range(number)]), layers=False)
    assert report.ok is ok
    assert ok or has(report, ERROR, "126 layers; Docker takes at most 125")


def test_an_index_must_tell_the_platform() -> None:
    many = Many()
    many.value["manifests"][0]["platform"]["architecture"] = "s390x"
    many.value["manifests"][1]["platform"]["variant"] = "v9"
    report = validate_source(many)
    assert has(report, WARNING, "it is for linux/amd64, but the index says linux/s390x")
    assert has(report, WARNING, "it is for linux/arm64, but the index says linux/arm64/v9")
    del many.value["manifests"][0]["platform"]
    assert has(validate_source(many), WARNING, "entry 1 has no platform")


def test_of_two_images_for_a_platform_nobody_knows_which() -> None:
    many = Many()
    many.value["manifests"].append(many.value["manifests"][0])
    assert has(validate_source(many), WARNING, "entry 4 is another image for linux/amd64")
    for number, entry in enumerate(many.value["manifests"]):
        entry["platform"] = {"os": "windows", "architecture": "amd64", "os.version": str(number % 3)}
    many.value["manifests"][3] = many.value["manifests"][0] | {"platform": {"os": "windows", "architecture": "amd64"}}
    assert not has(validate_source(many), WARNING, "another image")


def test_entries_of_unknown_types_are_passed_over() -> None:
    many = Many()
    many.value["manifests"].append(many.put(b"x", "application/x-own"))
    report = validate_source(many)
    assert report.ok
    assert has(report, WARNING, "entry 4 has the type 'application/x-own'")


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        ({"os": "linux"}, "the platform of entry 1 does not name the architecture"),
        ({"architecture": "amd64"}, "the platform of entry 1 does not name the os"),
        ({"os": "linux", "architecture": "arm", "variant": 7}, "variant in the platform of entry 1 is not a string"),
        ({"os": "linux", "architecture": "arm", "os.features": "x"}, "os.features in the platform of entry 1 is not"),
    ],
)
def test_what_the_platform_of_an_entry_may_not_say(platform: dict[str, Any], text: str) -> None:
    many = Many()
    many.value["manifests"][0]["platform"] = platform
    assert has(validate_source(many), ERROR, text)


def test_media_types_of_attestations_are_no_problem() -> None:
    many = Many()
    attestation = many.value["manifests"][2]
    assert attestation["mediaType"] == OCI_MANIFEST
    assert not any(Digest(attestation["digest"]).short in problem for problem in told(validate_source(many)))


def test_the_index_of_a_layout_is_checked_too(tmp_path: Path) -> None:
    write_oci_layout(tmp_path, [HELLO], tag="v1")
    index = json.loads((tmp_path / "index.json").read_text())
    [entry] = index["manifests"]
    index["manifests"] = [entry | {"platform": {"os": "linux"}}, entry | {"mediaType": "invalid"}]
    (tmp_path / "index.json").write_text(json.dumps(index))
    report = validate_source(open_source(f"oci:{tmp_path}"))
    assert has(report, ERROR, "the platform of entry 1 does not name the architecture")
    assert has(report, ERROR, "the mediaType of entry 2 is 'invalid'")
    assert {problem.subject for problem in report.errors} == {"index.json"}
