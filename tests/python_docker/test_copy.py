"""Copying: what stays as it is, what is converted, and what is left behind when something goes wrong."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from python_docker.blob import Blob, BlobStore
from python_docker.choose import image_of
from python_docker.compression import Compression, open_decompressed
from python_docker.copy import (
    AS_IT_IS,
    Conversion,
    _blobs,
    copy_image,
    copy_index,
    copy_manifest,
    put_blobs,
    put_image,
)
from python_docker.errors import ContentMismatch, Error, NotFound, PlatformNotFound, UnsupportedFormat
from python_docker.parallel import in_parallel
from python_docker.progress import SILENT, Task
from python_docker.spec.digest import Digest
from python_docker.spec.documents import Descriptor, Index, Manifest, dump_json
from python_docker.spec.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, ImageFormat
from python_docker.spec.platform import Platform
from python_docker.transports import open_image, open_source
from tests.python_docker.making import HELLO, MORE, Made, config_of

ALL_FORMATS = frozenset(ImageFormat)
ALL_COMPRESSIONS = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})


class Kept:
    """A destination in memory that can keep what it is told it can."""

    def __init__(
        self,
        formats: Iterable[ImageFormat] = ALL_FORMATS,
        compressions: Iterable[Compression] = ALL_COMPRESSIONS,
        *,
        takes_index: bool = True,
        staging: BlobStore | None = None,
    ) -> None:
        self.formats = frozenset(formats)
        self.compressions = frozenset(compressions)
        self.takes_index = takes_index
        self.parallel = 3
        self.staging = staging
        self.blobs: dict[Digest, bytes] = {}
        self.manifests: dict[Digest, Manifest | Index] = {}
        self.root: Manifest | Index | None = None
        self._lock = threading.Lock()

    def put_blob(self, blob: Blob, task: Task) -> str:
        with blob.open() as stream:
            content = stream.read()
        task.advance(len(content))
        with self._lock:
            self.blobs[blob.descriptor.digest] = content
        return ""

    def put_manifest(self, manifest: Manifest | Index, *, root: bool) -> None:
        if isinstance(manifest, Index):
            assert all(child.digest in self.manifests for child in manifest.manifests), "children come first"
        else:
            assert all(layer.digest in self.blobs for layer in (*manifest.layers, manifest.config)), "blobs come first"
        self.manifests[manifest.digest] = manifest
        if root:
            assert self.root is None
            self.root = manifest

    def commit(self) -> None: ...

    def abort(self) -> None: ...

    def tar(self, descriptor: Descriptor) -> bytes:
        return open_decompressed(io.BytesIO(self.blobs[descriptor.digest])).read()


class Heard:
    """Hears of every piece of work."""

    def __init__(self) -> None:
        self.totals: dict[str, int | None] = {}
        self.moved: dict[str, int] = {}
        self.ended: list[str] = []
        self._lock = threading.Lock()

    def start(self, label: str, total: int | None) -> Any:
        heard = self
        with self._lock:
            self.totals[label] = total
            self.moved[label] = 0

        class Piece:
            def advance(self, size: int) -> None:
                with heard._lock:
                    heard.moved[label] += size

            def finish(self, outcome: str = "") -> None:
                with heard._lock:
                    heard.ended.append(label)

        return Piece()


# -- one image ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_format", list(ImageFormat))
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_what_the_destination_can_keep_stays_as_it_is(image_format: ImageFormat, compression: Compression) -> None:
    made = Made([HELLO, MORE], image_format=image_format, compression=compression, unknown=[1])
    kept = Kept()
    assert put_image(made.image(), kept).raw == made.root().raw
    assert kept.root == made.root()
    assert kept.blobs == made.blobs


def test_the_format_follows_the_destination() -> None:
    made = Made([HELLO, MORE])
    kept = Kept([ImageFormat.DOCKER])
    manifest = put_image(made.image(), kept)
    assert manifest.format is ImageFormat.DOCKER
    assert [layer.digest for layer in manifest.layers] == [layer["digest"] for layer in made.value["layers"]]
    assert manifest.config.digest == made.value["config"]["digest"]
    assert kept.blobs == made.blobs


@pytest.mark.parametrize("staged", [False, True])
def test_the_compression_follows_the_destination(staged: bool, tmp_path: Path) -> None:
    made = Made([HELLO, MORE], compression=Compression.ZSTD)
    kept = Kept(compressions=[Compression.GZIP], staging=BlobStore(tmp_path) if staged else None)
    manifest = put_image(made.image(), kept)
    assert [layer.media_type.rpartition("+")[2] for layer in manifest.layers] == ["gzip", "gzip"]
    assert [kept.tar(layer) for layer in manifest.layers] == [HELLO, MORE]
    assert manifest.config.digest == made.value["config"]["digest"]


def test_what_a_destination_cannot_keep_is_unpacked_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    made = Made([HELLO], compression=Compression.ZSTD)
    kept = Kept(compressions=[Compression.GZIP, Compression.NONE])
    assert put_image(made.image(), kept).layers[0].media_type == "application/vnd.oci.image.layer.v1.tar"
    assert "layers are written uncompressed: zstd cannot be kept there" in caplog.text
    caplog.clear()
    put_image(made.image(), Kept(), conversion=Conversion(compression=Compression.GZIP))
    assert caplog.text == "", "it was asked for"


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
@pytest.mark.parametrize("wanted", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_the_compression_that_is_asked_for(compression: Compression, wanted: Compression) -> None:
    made = Made([HELLO, HELLO, MORE], compression=compression)
    kept = Kept()
    manifest = put_image(made.image(), kept, conversion=Conversion(compression=wanted))
    assert (manifest.raw == made.root().raw) is (compression is wanted)
    assert [kept.tar(layer) for layer in manifest.layers] == [HELLO, HELLO, MORE]
    assert manifest.layers[0] == manifest.layers[1]


def test_zstd_makes_an_image_oci_s() -> None:
    made = Made(image_format=ImageFormat.DOCKER)
    assert (
        put_image(made.image(), Kept(), conversion=Conversion(compression=Compression.ZSTD)).format is ImageFormat.OCI
    )
    with pytest.raises(UnsupportedFormat, match="zstd"):
        put_image(made.image(), Kept(), conversion=Conversion(ImageFormat.DOCKER, Compression.ZSTD))


def test_what_cannot_be_written_is_refused() -> None:
    image = Made().image()
    with pytest.raises(UnsupportedFormat, match="the docker image format cannot be written there"):
        put_image(image, Kept([ImageFormat.OCI]), conversion=Conversion(ImageFormat.DOCKER))
    with pytest.raises(UnsupportedFormat, match="zstd layers cannot be written there"):
        put_image(image, Kept(compressions=[Compression.GZIP]), conversion=Conversion(compression=Compression.ZSTD))


def test_what_is_no_layer_is_copied_but_not_looked_at() -> None:
    made = Made([HELLO, MORE], compression=Compression.NONE)
    made.value["layers"][1] = made.put(MORE, "application/x-own")
    kept = Kept()
    manifest = put_image(made.image(), kept, conversion=Conversion(compression=Compression.GZIP))
    assert [layer.media_type for layer in manifest.layers] == [
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/x-own",
    ]
    assert kept.blobs[manifest.layers[1].digest] == MORE


def test_a_changed_image_is_written_as_it_is_now() -> None:
    image = Made([HELLO, MORE]).image()
    image.remove_layer()
    image.add_layer_contents({"a": b"a"})
    image.config["Env"].append("FOO=BAR")
    kept = Kept()
    manifest = put_image(image, kept)
    assert manifest.digest == image.digest
    assert b"FOO=BAR" in kept.blobs[manifest.config.digest]


def test_progress_tells_of_every_blob() -> None:
    made = Made([HELLO, MORE])
    heard = Heard()
    put_image(made.image(), Kept(), progress=heard)
    sizes = {digest.short: len(content) for digest, content in made.blobs.items()}
    assert heard.totals == heard.moved == sizes
    assert sorted(heard.ended) == sorted(sizes)


@pytest.mark.parametrize("conversion", [AS_IT_IS, Conversion(compression=Compression.ZSTD)])
def test_damage_is_told_and_nothing_becomes_the_root(conversion: Conversion) -> None:
    made = Made([HELLO, MORE], compression=Compression.NONE)
    digest = Digest(made.value["layers"][1]["digest"])
    made.blobs[digest] = made.blobs[digest][:-1] + b"\1"
    kept = Kept()
    with pytest.raises(ContentMismatch, match="damaged"):
        put_image(made.image(), kept, conversion=conversion)
    assert kept.root is None


# -- many images -------------------------------------------------------------------------------------------------------


class Many(Made):
    """An index of images, and an attestation, as BuildKit writes them."""

    def __init__(self, *, image_format: ImageFormat = ImageFormat.OCI, nested: int = 0) -> None:
        super().__init__()
        self.images = {
            name: Made([HELLO, tar], config=config_of([HELLO, tar], architecture=name), image_format=image_format)
            for name, tar in (("amd64", MORE), ("arm64", HELLO))
        }
        manifests = []
        for name, made in self.images.items():
            self.blobs |= made.blobs
            descriptor = self.put(dump_json(made.value), image_format.manifest_type)
            manifests.append(descriptor | {"platform": {"os": "linux", "architecture": name}})
        statement = self.put(b'{"statement":1}', "application/vnd.in-toto+json")
        attestation = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.put(dump_json({"rootfs": {"diff_ids": [statement["digest"]]}}), ImageFormat.OCI.config_type),
            "layers": [statement],
        }
        unknown = {"platform": {"os": "unknown", "architecture": "unknown"}, "annotations": {"a": "b"}}
        manifests.append(self.put(dump_json(attestation), OCI_MANIFEST) | unknown)
        self.value = {"schemaVersion": 2, "mediaType": image_format.index_type, "manifests": manifests, "unknown": 1}
        for _ in range(nested):
            inner = self.put(dump_json(self.value), image_format.index_type)
            self.value = {"schemaVersion": 2, "mediaType": image_format.index_type, "manifests": [inner]}


def test_one_image_of_many() -> None:
    many = Many()
    assert image_of(many, Platform("linux", "arm64")).manifest.raw == dump_json(many.images["arm64"].value)
    with pytest.raises(PlatformNotFound):
        image_of(many, Platform("linux", "s390x"))


def test_all_images_stay_as_they_are() -> None:
    many = Many()
    kept = Kept()
    root = many.root()
    assert isinstance(root, Index)
    assert copy_index(many, root, kept) is root
    assert kept.root == root
    assert len(kept.manifests) == 4


@pytest.mark.parametrize("nested", [1, 2, 3])
def test_indexes_in_indexes(nested: int) -> None:
    many = Many(nested=nested)
    kept = Kept()
    root = many.root()
    assert isinstance(root, Index)
    copy_index(many, root, kept)
    assert kept.root == root
    assert len(kept.manifests) == 4 + nested


def test_indexes_that_never_end_are_refused() -> None:
    many = Many(nested=5)
    root = many.root()
    assert isinstance(root, Index)
    with pytest.raises(UnsupportedFormat, match="deep"):
        copy_index(many, root, Kept())


def test_images_are_converted_and_attestations_are_not() -> None:
    many = Many()
    kept = Kept()
    root = many.root()
    assert isinstance(root, Index)
    index = copy_index(many, root, kept, conversion=Conversion(compression=Compression.ZSTD))
    assert index.digest != root.digest
    assert index.value()["unknown"] == 1
    for before, after in zip(root.manifests[:2], index.manifests[:2], strict=True):
        manifest = kept.manifests[after.digest]
        assert isinstance(manifest, Manifest)
        assert all(layer.media_type.endswith("+zstd") for layer in manifest.layers)
        assert after.platform == before.platform
    assert index.manifests[2] == root.manifests[2]


def test_an_index_in_docker_s_format_loses_what_only_oci_has() -> None:
    many = Many()
    many.value |= {"annotations": {"a": "b"}, "artifactType": "x/y"}
    root = many.root()
    assert isinstance(root, Index)
    index = copy_index(many, root, Kept(), conversion=Conversion(ImageFormat.DOCKER))
    assert index.media_type == ImageFormat.DOCKER.index_type
    assert {"annotations", "artifactType"}.isdisjoint(index.value())
    assert [child.media_type for child in index.manifests[:2]] == [ImageFormat.DOCKER.manifest_type] * 2


def test_an_index_needs_a_place_for_it() -> None:
    many = Many()
    root = many.root()
    assert isinstance(root, Index)
    with pytest.raises(UnsupportedFormat, match="choose one with --platform"):
        copy_index(many, root, Kept(takes_index=False))


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


def test_what_an_index_names_and_is_not_there_is_named() -> None:
    many = Many()
    del many.blobs[Digest(many.value["manifests"][1]["digest"])]
    root = many.root()
    assert isinstance(root, Index)
    with pytest.raises(NotFound, match="the index names an image for linux/arm64, which is not there"):
        copy_index(many, root, Kept())
    assert image_of(many, Platform("linux", "amd64")).platform == Platform("linux", "amd64")


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


# -- what is not an image ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config_type", ["application/vnd.oci.empty.v1+json", "application/x-own", OCI_CONFIG])
@pytest.mark.parametrize("layer_type", ["text/plain", "application/vnd.oci.image.layer.v1.tar+gzip"])
def test_any_manifest_is_copied_byte_for_byte(config_type: str, layer_type: str) -> None:
    made = Made(unknown={"kept": True}, artifactType="application/x-own")
    made.value["config"] = made.put(b"[not JSON", config_type)
    made.value["layers"] = [made.put(b"not a tar", layer_type)]
    kept = Kept([ImageFormat.OCI])
    root = made.root()
    assert isinstance(root, Manifest)
    assert copy_manifest(made, root, kept).raw == root.raw
    assert kept.root == root
    assert len(kept.blobs) == 2


def test_what_is_not_an_image_is_not_converted() -> None:
    made = Made()
    made.value["config"] = made.put(b"{}", "application/vnd.oci.empty.v1+json")
    root = made.root()
    assert isinstance(root, Manifest)
    for conversion in (Conversion(ImageFormat.DOCKER), Conversion(compression=Compression.ZSTD)):
        with pytest.raises(UnsupportedFormat, match="is not an image"):
            copy_manifest(made, root, Kept(), conversion=conversion)
    assert copy_manifest(made, root, Kept(), conversion=Conversion(ImageFormat.OCI, Compression.GZIP)) is root


FOREIGN = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
]


@pytest.mark.parametrize("media_type", FOREIGN)
def test_foreign_layers_may_be_elsewhere(media_type: str) -> None:
    made = Made([HELLO, MORE], image_format=ImageFormat.of(media_type))
    layer = made.value["layers"][0] | {"mediaType": media_type}
    made.value["layers"][0] = layer | {"urls": ["https://example.org/layer"]}
    del made.blobs[layer["digest"]]
    root = made.root()
    assert isinstance(root, Manifest)
    assert [blob.descriptor.digest for blob in _blobs(made, root)] == [root.layers[1].digest, root.config.digest]
    # Without a URL nobody else has it.
    made.value["layers"][0] = layer
    root = made.root()
    assert isinstance(root, Manifest)
    with pytest.raises(NotFound):
        copy_manifest(made, root, Kept())


# -- between real places -----------------------------------------------------------------------------------------------


def layout(folder: Path, made: Made, name: str = "v1") -> str:
    """Write an OCI layout by hand, and give its location."""
    root = made.root()
    made.put(root.raw, root.media_type)
    for digest, content in made.blobs.items():
        path = folder / "blobs" / digest.algorithm / digest.encoded
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    entry = root.descriptor.to_json() | {"annotations": {"org.opencontainers.image.ref.name": name}}
    (folder / "index.json").write_bytes(dump_json({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return f"oci:{folder}:{name}"


def test_from_layout_to_layout(tmp_path: Path) -> None:
    made = Made([HELLO, MORE])
    source = layout(tmp_path / "source", made)
    written = copy_image(source, f"oci:{tmp_path / 'copy'}:v1")
    assert written.raw == made.root().raw
    assert open_image(f"oci:{tmp_path / 'copy'}:v1").digest == made.root().digest
    for file in (tmp_path / "copy" / "blobs").rglob("*"):
        assert not file.is_file() or file.stat().st_nlink == 1, "a layout of somebody else's is not linked to"


def test_all_platforms_or_one(tmp_path: Path) -> None:
    many = Many()
    source = layout(tmp_path / "source", many)
    assert copy_image(source, f"oci:{tmp_path / 'all'}:v1", all_platforms=True).digest == many.root().digest
    one = copy_image(source, f"oci:{tmp_path / 'one'}:v1", platform="linux/arm64")
    assert one.raw == dump_json(many.images["arm64"].value)
    assert isinstance(open_source(f"oci:{tmp_path / 'all'}:v1").root(), Index)


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    made = Made([HELLO, MORE])
    source = layout(tmp_path / "source", made)
    path = tmp_path / "source" / "blobs" / "sha256" / Digest(made.value["layers"][0]["digest"]).encoded
    content = path.read_bytes()
    for damage in (content[:-1] + b"\1", content[:-1], None):
        path.unlink()
        if damage is not None:
            path.write_bytes(damage)
        for destination in ("oci:new:v1", "oci-archive:new.tar:v1", "docker-archive:new.tar"):
            transport, _, name = destination.partition(":")
            with pytest.raises((ContentMismatch, NotFound)):
                copy_image(source, f"{transport}:{tmp_path / name}")
            assert sorted(file.name for file in tmp_path.iterdir()) == ["source"]
        path.write_bytes(content)


# -- in parallel -------------------------------------------------------------------------------------------------------


def test_results_come_in_order() -> None:
    barrier = threading.Barrier(3)

    def call(number: int) -> int:
        if number < 3:
            barrier.wait(10)
        return number

    assert in_parallel([lambda number=number: call(number) for number in range(20)], 3) == list(range(20))  # type: ignore[misc]
    assert in_parallel([lambda: 1], 5) == [1]
    assert in_parallel([], 5) == []


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_after_an_error_no_more_calls_are_begun(workers: int) -> None:
    begun: list[int] = []
    failed = threading.Event()

    def call(number: int) -> None:
        begun.append(number)
        if number == 1:
            failed.set()
            raise Error("the first")
        if number > 1:
            failed.wait(10)

    with pytest.raises(Error, match="the first"):
        in_parallel([lambda number=number: call(number) for number in range(1000)], workers)  # type: ignore[misc]
    assert len(begun) < 1000


def test_a_failure_ends_what_is_under_way() -> None:
    started = threading.Event()

    class Failing(Kept):
        parallel = 2

        def put_blob(self, blob: Blob, task: Task) -> str:
            if blob.descriptor.digest == config.descriptor.digest:
                started.wait(10)
                raise NotFound("it broke")
            for _ in range(1000):
                started.set()
                task.advance(0)
                time.sleep(0.01)
            raise AssertionError("it went on to its end")

    config = Blob.from_bytes(b"{}", OCI_MANIFEST)
    with pytest.raises(NotFound, match="it broke"):
        put_blobs([Blob.from_bytes(b"large", OCI_MANIFEST), config], Failing(), SILENT)
