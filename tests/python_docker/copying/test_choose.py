"""Which image of an index is meant, and whose word counts on what it is for."""

from __future__ import annotations

from typing import Any

import pytest

from python_docker.copying.choose import image_of
from python_docker.errors import PlatformNotFound
from python_docker.spec.media_types import OCI_INDEX, OCI_MANIFEST
from python_docker.spec.platform import Platform
from python_docker.spec.strict_json import dump_json
from tests.python_docker.in_memory import Many
from tests.python_docker.making import HELLO, MORE, Made, config_of


def test_one_image_of_many() -> None:
    many = Many()
    assert image_of(many, Platform("linux", "arm64")).manifest.raw == dump_json(many.images["arm64"].value)
    with pytest.raises(PlatformNotFound):
        image_of(many, Platform("linux", "s390x"))


def test_an_image_is_found_in_an_index_of_indexes() -> None:
    whole = Made()
    nested = [Many(), Many()]
    nested[1].value["manifests"] = [
        entry | {"platform": {"os": "linux", "architecture": "riscv64"}} for entry in nested[1].value["manifests"][:1]
    ]
    for many in nested:
        whole.blobs |= many.blobs
    inner = [whole.put(dump_json(many.value), OCI_INDEX) for many in nested]
    whole.value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": inner}
    for name in ("amd64", "arm64", "riscv64"):
        assert image_of(whole, Platform("linux", name)).platform == Platform("linux", name)
    with pytest.raises(PlatformNotFound):
        image_of(whole, Platform("linux", "s390x"))


@pytest.mark.parametrize(
    "entry",
    [
        {"platform": {"os": "unknown", "architecture": "unknown"}},
        {"platform": {"os": "linux", "architecture": "amd64"}, "artifactType": "application/spdx+json"},
        {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
    ],
    ids=["unknown platform", "artifact", "attestation"],
)
def test_what_is_about_an_image_is_never_taken_for_it(entry: dict[str, Any]) -> None:
    many = Many()
    about = many.value["manifests"].pop() | entry
    if "platform" not in entry:
        del about["platform"]
    many.value["manifests"] = [about, *many.value["manifests"]]
    assert image_of(many, Platform("linux", "amd64")).list_files() == Made([HELLO, MORE]).image().list_files()
    many.value["manifests"] = [about]
    with pytest.raises(PlatformNotFound):
        image_of(many)


@pytest.mark.parametrize("said", [{"architecture": "x86_64"}, {"os": "Linux"}, {"architecture": "AMD64"}])
def test_names_that_the_kernel_uses_are_understood(said: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    made = Made(config=config_of([HELLO], **said))
    image = image_of(made, Platform("linux", "amd64"))
    assert image.platform == Platform("linux", "amd64")
    assert image.manifest.raw == made.root().raw
    many = Made()
    many.blobs |= made.blobs
    entry = many.put(dump_json(made.value), OCI_MANIFEST)
    platform = {"os": "linux", "architecture": "amd64"} | said
    many.value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry | {"platform": platform}]}
    assert image_of(many, Platform("linux", "amd64")).platform == Platform("linux", "amd64")
    assert caplog.text == ""


def test_an_index_s_word_goes_before_the_config_s(caplog: pytest.LogCaptureFixture) -> None:
    many = Many()
    many.value["manifests"][0]["platform"]["architecture"] = "ppc64le"
    image = image_of(many, Platform("linux", "ppc64le"))
    assert image.platform == Platform("linux", "ppc64le")
    assert "its config says linux/amd64; it is taken for linux/ppc64le" in caplog.text
    # Unchanged, it is written as it is; what is built on it says the truth.
    assert image.manifest.raw == dump_json(many.images["amd64"].value)
    image.add_layer_contents({"a": b"a"})
    assert image.copy().config_file.platform == Platform("linux", "ppc64le")
