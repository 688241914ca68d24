"""Validation: good images are good, and whatever is wrong is named, not raised."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import python_docker
from python_docker.errors import ConnectionFailed, Error, InvalidDocument, NotFound
from python_docker.files.compression import Compression
from python_docker.files.stream import ReadStream
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.spec.digest import Digest
from python_docker.spec.documents import Descriptor, Index, Manifest, dump_json
from python_docker.spec.media_types import OCI_INDEX, OCI_MANIFEST, ImageFormat
from python_docker.spec.reference import ImageReference
from python_docker.tar import TarEntry
from python_docker.transports import open_source
from python_docker.validation import Report, Severity, tar_rules, validate, validate_source, validate_sources
from tests.images import layer_tar, write_oci_layout
from tests.python_docker.documents import JSON
from tests.python_docker.in_memory import Heard, Many
from tests.python_docker.making import HELLO, MORE, Made, compress, config_of
from tests.python_docker.stacks import tar_of
from tests.python_docker.tar.entries import write


def told(report: Report) -> list[str]:
    return [str(problem) for problem in report.problems]


def has(report: Report, severity: Severity, text: str) -> bool:
    return any(problem.severity is severity and text in str(problem) for problem in report.problems)


# -- good images -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_format", list(ImageFormat))
@pytest.mark.parametrize("compression", list(Compression)[:3])
def test_a_good_image_has_no_problem(image_format: ImageFormat, compression: Compression) -> None:
    if (image_format, compression) == (ImageFormat.DOCKER, Compression.ZSTD):
        return
    made = Made([HELLO, MORE, HELLO], image_format=image_format, compression=compression)
    for report in (validate_source(made), validate(made.image())):
        assert told(report) == []
        assert report.ok
        assert (report.images, report.layers) == (1, 2)
        assert report.size == sum(len(made.blobs[layer["digest"]]) for layer in made.value["layers"][:2])


def test_an_image_that_we_make_has_no_problem() -> None:
    image = Image("hello", "v1")
    image.add_layer_contents({"/lib/a": b"a", "tmp/b": b"b"})
    image.add_layer_contents({"c": b"c"})
    image.config["Env"].append("A=1")
    image.config["ExposedPorts"]["80/tcp"] = {}
    image.config["Labels"]["a"] = "b"
    assert told(validate(image)) == []
    image.format = ImageFormat.DOCKER
    assert told(validate(image)) == []


def test_a_good_index_has_no_problem() -> None:
    for nested in (0, 1, 2):
        report = validate_source(Many(nested=nested))
        assert [problem for problem in told(report) if "no platform" not in problem] == []
        assert (report.images, report.layers) == (2, 3)


def test_it_is_the_function_of_the_package() -> None:
    assert python_docker.validate is validate


def test_layers_need_not_be_read() -> None:
    made = Made([HELLO, MORE])
    for layer in made.value["layers"]:
        made.blobs[layer["digest"]] = b"damaged"
    assert told(validate_source(made, layers=False)) == []
    assert not validate_source(made).ok


def test_progress_tells_of_every_layer() -> None:
    made = Made([HELLO, MORE, HELLO])
    heard = Heard()
    validate_source(made, progress=heard)
    sizes = {Digest(layer["digest"]).short: layer["size"] for layer in made.value["layers"]}
    assert heard.totals == heard.moved == sizes
    assert sorted(heard.ended) == sorted(sizes)


# -- documents ---------------------------------------------------------------------------------------------------------

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@pytest.mark.parametrize(
    ("fields", "severity", "text"),
    [
        ({"created": "yesterday"}, ERROR, "created is 'yesterday'"),
        ({"history": [{"created": "2020-01-01"}]}, ERROR, "created of history entry 1"),
        ({"history": [{}, {}]}, ERROR, "Docker refuses more than 1"),
        ({"history": [{"empty_layer": True}]}, WARNING, "0 entries that made a layer, but there are 1 layers"),
        ({"rootfs": {"type": "layers", "diff_ids": []}}, ERROR, "0 diff IDs, but the manifest 1 layers"),
        ({"rootfs": {"type": "other", "diff_ids": [Digest.of(HELLO)]}}, ERROR, "'other', not 'layers'"),
        ({"rootfs": {"diff_ids": [Digest.of(HELLO)]}}, ERROR, "rootfs has no type"),
        ({"rootfs": {"type": "layers", "diff_ids": [Digest.of(MORE)]}}, ERROR, "the digest of its tar is"),
        ({"rootfs": {"type": "layers", "diff_ids": ["x"]}}, ERROR, "malformed"),
        ({"architecture": ""}, ERROR, "does not name the architecture"),
        ({"os": ""}, ERROR, "does not name the os"),
        ({"Created": "2020-01-01T00:00:00Z"}, ERROR, "the field 'Created' is 'created' to some tools"),
        ({"config": {"Env": "A=1"}}, ERROR, "Env is not a list of strings"),
        ({"config": {"Env": [1]}}, ERROR, "Env is not a list of strings"),
        ({"config": {"Env": ["foo"]}}, ERROR, "Env holds 'foo', which is not NAME=VALUE"),
        ({"config": {"Cmd": "sh"}}, WARNING, "Cmd is a string"),
        ({"config": {"Cmd": {}}}, ERROR, "Cmd is not a list"),
        ({"config": {"Labels": ["a"]}}, ERROR, "Labels is not an object"),
        ({"config": {"Labels": {"a": 1}}}, ERROR, "the label 'a' is not a string"),
        ({"config": {"ExposedPorts": {"http": {}}}}, ERROR, "'http', which is not a valid port"),
        ({"config": {"Volumes": ["/data"]}}, ERROR, "Volumes is not an object"),
        ({"config": {"User": 5}}, ERROR, "User is not a string"),
        ({"config": {"WorkingDir": "here"}}, WARNING, "'here', which is not an absolute path"),
        ({"config": []}, ERROR, "malformed"),
        ({"config": {"ExposedPorts": {"80/tcp": "open"}}}, ERROR, "ExposedPorts holds something other than empty"),
        ({"config": {"Volumes": {"/data": None}}}, ERROR, "Volumes holds something other than empty objects"),
        ({"config": {"ArgsEscaped": "yes"}}, ERROR, "ArgsEscaped is neither true nor false"),
        ({"os.version": 10}, ERROR, "malformed at 'os.version'"),
        ({"os.features": "win32k"}, ERROR, "malformed at 'os.features"),
        ({"variant": 8}, ERROR, "malformed at 'variant'"),
    ],
)
def test_what_a_config_may_not_say(fields: dict[str, Any], severity: Severity, text: str) -> None:
    report = validate_source(Made(config={**config_of([HELLO]), **fields}))
    assert has(report, severity, text), told(report)
    assert report.ok is (severity is WARNING), told(report)
    assert all("config sha256:" in str(problem) or "layer 1 of 1" in str(problem) for problem in report.problems)


def change(**fields: Any) -> Callable[[Made], None]:
    def apply(made: Made) -> None:
        made.value |= fields

    return apply


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
        (change(layers=[]), ERROR, "1 diff IDs, but the manifest 0 layers"),
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


def test_an_unreadable_manifest_is_reported() -> None:
    class Broken(Made):
        def root(self) -> Manifest | Index:
            raise InvalidDocument("the manifest is not JSON")

    assert told(validate_source(Broken())) == ["error: the image: the manifest is not JSON"]


def test_an_image_that_cannot_be_written_is_reported() -> None:
    image = Made(compression=Compression.ZSTD).image()
    image.format = ImageFormat.DOCKER
    assert has(validate(image), ERROR, "zstd layers cannot be written")


def test_the_digest_that_was_asked_for_counts() -> None:
    class Named(Made):
        reference = ImageReference.parse(f"ubuntu@{Digest.of(b'other')}")  # type: ignore[assignment]

    assert has(validate_source(Named()), ERROR, "but it was asked for as")


# -- blobs -------------------------------------------------------------------------------------------------------------


def replaced(content: bytes, made: Made) -> None:
    """Give the lowest layer's blob another content, under its old name."""
    made.blobs[made.value["layers"][0]["digest"]] = content


STORED = compress(HELLO, Compression.GZIP)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (STORED[:-1], ["bytes; its descriptor says", "damaged gzip stream"]),
        (STORED + b"x", ["it has more than"]),
        (b"", ["it has 0 bytes", "its content is not compressed"]),
        (gzip.compress(b"", mtime=0), ["bytes; its descriptor says", "the digest of its tar is"]),
        (STORED[:-4] + b"\0\0\0\0", ["its digest is", "damaged gzip stream"]),
        (STORED[:9] + b"\7" + STORED[10:], ["its digest is"]),
    ],
)
def test_damaged_layers(content: bytes, texts: list[str]) -> None:
    made = Made([HELLO, MORE])
    replaced(content, made)
    report = validate_source(made)
    for text in texts:
        assert has(report, ERROR, text), told(report)
    assert {problem.subject for problem in report.problems} == {f"layer 1 of 2 (sha256:{Digest.of(STORED).short})"}


@pytest.mark.parametrize("which", ["config", "layer"])
def test_missing_blobs(which: str) -> None:
    made = Made([HELLO, MORE])
    descriptor = made.value["config"] if which == "config" else made.value["layers"][1]
    del made.blobs[descriptor["digest"]]
    report = validate_source(made)
    assert has(report, ERROR, "there is no blob")
    assert len(report.errors) == 1


def test_a_layer_whose_bytes_may_live_elsewhere_may_be_missing() -> None:
    made = Made()
    made.value["layers"][0] |= {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"}

    class Elsewhere(Made):
        def __init__(self) -> None:
            self.value, self.blobs = made.value, made.blobs

        def blob(self, descriptor: Descriptor) -> Blob:
            def missing() -> BinaryIO:
                raise NotFound("there is no blob")

            return Blob(descriptor, missing) if "nondistributable" in descriptor.media_type else made.blob(descriptor)

    report = validate_source(Elsewhere())
    assert report.ok
    assert has(report, WARNING, "as is usual for its type")


@pytest.mark.parametrize("failure", [ConnectionFailed("the line was cut"), OSError(5, "Input/output error")])
def test_blobs_that_cannot_be_read(failure: Exception) -> None:
    class Failing(Made):
        def blob(self, descriptor: Descriptor) -> Blob:
            def refuse() -> BinaryIO:
                raise failure

            return Blob(descriptor, refuse)

    report = validate_source(Failing())
    assert len(report.errors) == 2
    assert has(report, ERROR, "cannot be read" if isinstance(failure, Error) else "Input/output error")


def test_an_endless_blob_is_read_no_further_than_promised() -> None:
    made = Made(compression=Compression.NONE)

    class Endless(ReadStream):
        left = len(HELLO) + 1

        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert 0 < size <= self.left
            self.left -= size
            return bytes(size)

    class Source(Made):
        def blob(self, descriptor: Descriptor) -> Blob:
            return Blob(descriptor, Endless) if descriptor.size == len(HELLO) else made.blob(descriptor)

    source = Source()
    source.value = made.value
    assert has(validate_source(source), ERROR, "it has more than")


@pytest.mark.parametrize(
    ("label", "content", "text"),
    [
        ("tar+gzip", HELLO, "says gzip, but its content is not compressed"),
        ("tar", STORED, "says none, but its content is gzip"),
        ("tar+zstd", STORED, "says zstd, but its content is gzip"),
        ("tar+gzip", compress(HELLO, Compression.ZSTD), "says gzip, but its content is zstd"),
        ("tar", bz2.compress(HELLO), "compressed with bzip2, which layers may not be"),
    ],
)
def test_wrong_labels(label: str, content: bytes, text: str) -> None:
    made = Made()
    made.value["layers"][0] = made.put(content, f"application/vnd.oci.image.layer.v1.{label}")
    report = validate_source(made)
    assert has(report, ERROR, text)
    assert len(report.problems) == 1


def test_digests_that_cannot_be_computed_here_are_not_checked() -> None:
    made = Made()
    made.blobs[Digest("multihash:abc")] = STORED
    made.value["layers"][0] |= {"digest": "multihash:abc"}
    report = validate_source(made)
    assert report.ok
    assert has(report, WARNING, "digests of multihash cannot be checked here")


def test_what_is_no_layer_is_checked_but_not_looked_into() -> None:
    made = Made([HELLO, MORE])
    made.value["layers"][1] = made.put(b"anything", "application/x-own")
    report = validate_source(made)
    assert report.ok
    assert has(report, WARNING, "'application/x-own', which is not a layer's")
    made.blobs[made.value["layers"][1]["digest"]] = b"somethin"
    assert has(validate_source(made), ERROR, "its digest is")


# -- what is in layers -------------------------------------------------------------------------------------------------

FILE, FOLDER, SYMLINK, HARDLINK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize(
    ("members", "severity", "text"),
    [
        ([("a", FILE, b""), ("a", FILE, b"")], ERROR, "more than once, which Docker refuses: 'a'"),
        ([("a", FOLDER, ""), ("./a/", FOLDER, "")], ERROR, "more than once, which Docker refuses: 'a'"),
        ([("../a", FILE, b"")], ERROR, "a path leaves the root: '../a'"),
        ([("b/../../a", FILE, b""), ("b", FOLDER, "")], ERROR, "a path leaves the root"),
        ([("/a", FILE, b"")], WARNING, "a path is absolute: '/a'"),
        ([("a", FOLDER, ""), ("a/../b", FILE, b"")], WARNING, "a path holds '..'"),
        ([(".", FILE, b"")], ERROR, "the root is not a folder"),
        ([("a", FILE, b""), ("a/b", FILE, b"")], ERROR, "is below something that is not a folder: 'a/b' ('a')"),
        ([("a", SYMLINK, "b"), ("a/b", FILE, b"")], WARNING, "leads through a symbolic link"),
        ([("a", SYMLINK, "")], ERROR, "a symbolic link has no target: 'a'"),
        ([("a", HARDLINK, "b"), ("b", FILE, b"")], ERROR, "a hard link comes before its target: 'a' ('b')"),
        ([("a", HARDLINK, "b")], ERROR, "leads to 'b', which is not there"),
        ([("b", FOLDER, ""), ("a", HARDLINK, "b")], ERROR, "a hard link leads to a folder"),
        ([("a", HARDLINK, "etc/greeting")], WARNING, "of a lower layer, which may fail"),
        ([(".wh.", FILE, b"")], ERROR, "a whiteout names nothing"),
        ([(".wh...", FILE, b"")], ERROR, "a whiteout names nothing"),
        ([("a", FILE, b""), (".wh.a", FILE, b"")], ERROR, "a whiteout comes after what it names"),
        ([(".wh.a", FOLDER, "")], WARNING, "a whiteout is not an empty file"),
        ([(".wh.a", FILE, b"x")], WARNING, "a whiteout is not an empty file"),
        ([(".wh..wh.plnk", FOLDER, "")], WARNING, "a leftover of aufs"),
        (
            [("a/b/c", FILE, b"")],
            WARNING,
            "a folder has no entry of its own: engines differ in owner and mode: 'a', 'a/b'",
        ),
        ([("n" * 256, FILE, b"")], ERROR, "a name has more than 255 bytes"),
    ],
)
def test_what_a_layer_may_not_hold(members: list[Any], severity: Severity, text: str) -> None:
    report = validate_source(Made([HELLO, tar_of(members)]))
    assert has(report, severity, text), told(report)
    assert report.ok is (severity is WARNING), told(report)
    assert all("layer 2 of 2" in problem for problem in told(report))


def test_whiteouts_and_links_that_are_right_are_no_problem() -> None:
    members: list[Any] = [
        (".", FOLDER, ""),
        (".wh.a", FILE, b""),
        ("a", FILE, b""),
        ("etc", FOLDER, ""),
        ("etc/.wh..wh..opq", FILE, b""),
        ("etc/b", FILE, b""),
        ("etc/c", HARDLINK, "/etc/b"),
        ("etc/d", SYMLINK, "/somewhere/else"),
        ("..e", FILE, b""),
        ("f...", FILE, b""),
        ("\u00e9" * 127, FILE, b""),
    ]
    assert told(validate_source(Made([HELLO, tar_of(members)]))) == []


def test_many_of_a_kind_are_told_in_one_line() -> None:
    tar = tar_of([(f"/f{number}", FILE, b"") for number in range(500)])
    assert [problem.message for problem in validate_source(Made([tar])).problems] == [
        "a path is absolute: '/f0', '/f1', '/f2' and 497 more"
    ]


def test_there_is_an_end_to_how_many_paths_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_rules, "_MAX_PATHS", 10)
    tar = tar_of([(f"f{number}", FILE, b"") for number in range(12)])
    assert [problem.message for problem in validate_source(Made([tar])).problems] == [
        "there are more than 10 paths; what follows was not checked: 'f10', 'f11'"
    ]


def test_a_damaged_tar_is_told() -> None:
    tar = bytearray(tar_of([("a", FILE, b""), ("b", FILE, b"")]))
    tar[512 + 5] ^= 1
    report = validate_source(Made([bytes(tar)]))
    assert [problem.message for problem in report.problems] == [
        "not a tar, or a damaged one: a header's checksum is wrong"
    ]


def test_a_layer_that_is_no_tar() -> None:
    assert has(validate_source(Made([b"<html>" * 1000])), ERROR, "not a tar")


# -- indexes -----------------------------------------------------------------------------------------------------------


def test_a_missing_image_of_many() -> None:
    many = Many()
    del many.blobs[many.value["manifests"][1]["digest"]]
    report = validate_source(many)
    assert [problem.subject.split(" ")[0] for problem in report.errors] == ["linux/arm64:"]
    assert report.images == 1


def test_a_damaged_layer_of_one_of_many() -> None:
    many = Many()
    many.blobs[many.images["amd64"].value["layers"][1]["digest"]] = b""
    subjects = {problem.subject for problem in validate_source(many).errors}
    assert len(subjects) == 1
    assert subjects.pop().startswith("linux/amd64: layer 2 of 2 (sha256:")


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


def test_a_child_that_is_another_than_promised() -> None:
    many = Many()

    class Careless(Many):
        def child(self, descriptor: Descriptor) -> Manifest | Index:
            return many.images["amd64"].root()

    assert has(validate_source(Careless()), ERROR, "; the index says")


def test_indexes_that_never_end_are_told() -> None:
    assert has(validate_source(Many(nested=6)), ERROR, "more than 4 deep")


def test_indexes_that_never_end_are_reported() -> None:
    class Endless(Made):
        def __init__(self) -> None:
            super().__init__()
            self.value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "depth": 0}

        def child(self, descriptor: Descriptor) -> Manifest | Index:
            return self.root()

        def root(self) -> Manifest | Index:
            self.value["depth"] += 1
            self.value["manifests"] = [self.put(str(self.value["depth"]).encode(), OCI_INDEX)]
            return super().root()

    assert has(validate_source(Endless()), ERROR, "more than 4 deep")


def test_what_many_indexes_name_is_looked_at_once() -> None:
    # 62 billion manifests, if each entry were followed.
    class Bomb(Made):
        """Four levels of indexes, each of which names the next one 500 times."""

        def __init__(self) -> None:
            super().__init__()
            self.asked = 0
            for _ in range(4):
                inner = self.put(dump_json(self.value), self.value["mediaType"])
                self.value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [inner] * 500}

        def child(self, descriptor: Descriptor) -> Manifest | Index:
            self.asked += 1
            return super().child(descriptor)

    bomb = Bomb()
    validate_source(bomb, layers=False)
    assert bomb.asked == 3


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


# -- what is not an image ----------------------------------------------------------------------------------------------


def artifact(config_type: str, config: bytes = b"{}", layer_type: str = "text/plain") -> Made:
    """Make a manifest as ORAS, Helm, cosign and others push it."""
    made = Made()
    made.value["config"] = made.put(config, config_type)
    made.value["layers"] = [made.put(b"no tar at all", layer_type)]
    return made


LAYER = "application/vnd.oci.image.layer.v1.tar"
CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@pytest.mark.parametrize(
    "made",
    [
        artifact("application/vnd.oci.empty.v1+json"),
        artifact(
            "application/vnd.cncf.helm.config.v1+json", layer_type="application/vnd.cncf.helm.chart.content.v1.tar+gzip"
        ),
        artifact("application/vnd.unknown.config.v1+json", layer_type=LAYER),
        artifact(ImageFormat.OCI.config_type, layer_type=LAYER),
        artifact("text/plain", b"not even JSON"),
    ],
    ids=["empty", "chart", "file called a layer", "image config that says nothing", "text"],
)
def test_of_an_artifact_digests_and_sizes_are_checked(made: Made) -> None:
    report = validate_source(made)
    assert report.ok, told(report)
    assert (report.images, report.artifacts, report.layers) == (0, 1, 1)
    made.blobs[made.value["layers"][0]["digest"]] = b"now tar at all"
    assert has(validate_source(made), ERROR, "more than 13 bytes")
    made.blobs[made.value["layers"][0]["digest"]] = b"No tar at all"
    assert has(validate_source(made), ERROR, "its digest is")


@pytest.mark.parametrize("config_type", ["application/octet-stream", "text/html"])
def test_images_of_docker_s_early_years_are_images(config_type: str) -> None:
    made = Made(image_format=ImageFormat.DOCKER)
    made.value["config"]["mediaType"] = config_type
    report = validate_source(made)
    assert (report.ok, report.images) == (True, 1)
    assert has(report, WARNING, "as in Docker's early years")
    assert made.image().list_files() == Made().image().list_files()


def test_several_images_are_checked_together() -> None:
    good, bad = Made([HELLO]), Made([HELLO, MORE])
    bad.blobs[bad.value["layers"][1]["digest"]] = b""
    report = validate_sources({"@0 good": good, "@1 bad": bad})
    assert (report.images, report.layers) == (2, 2)
    assert {problem.subject.partition(": ")[0] for problem in report.errors} == {"@1 bad"}


def test_layers_that_images_share_are_read_once() -> None:
    many = Many()
    opened: list[Digest] = []

    class Counting(Many):
        def blob(self, descriptor: Descriptor) -> Blob:
            opened.append(descriptor.digest)
            return super().blob(descriptor)

    validate_source(Counting())
    shared = many.images["amd64"].value["layers"][0]["digest"]
    assert many.images["arm64"].value["layers"][0]["digest"] == shared
    assert opened.count(shared) == 1


# -- whatever it is ----------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(st.data())
def test_any_damage_of_a_blob_is_an_error_and_nothing_is_raised(data: st.DataObject) -> None:
    made = Made(
        [HELLO, MORE], compression=data.draw(st.sampled_from([Compression.NONE, Compression.GZIP, Compression.ZSTD]))
    )
    digest = data.draw(st.sampled_from(sorted(made.blobs)))
    content = bytearray(made.blobs[digest])
    damage = data.draw(st.sampled_from(["flip", "cut", "grow"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if damage == "flip":
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    elif damage == "cut":
        del content[place:]
    else:
        content[place:place] = b"x"
    made.blobs[digest] = bytes(content)
    assert not validate_source(made).ok


def _mutate(value: Any, data: st.DataObject) -> Any:
    """The same JSON with one value changed, somewhere."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 4)):
        key = data.draw(st.sampled_from(sorted(value)))
        return value | {key: _mutate(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], _mutate(value[place], data), *value[place + 1 :]]
    return data.draw(JSON)


@settings(max_examples=300)
@given(st.data())
def test_any_documents_raise_nothing(data: st.DataObject) -> None:
    many = Many() if data.draw(st.booleans()) else Made([HELLO, MORE])
    which = data.draw(st.sampled_from(["root", "config"]))
    if which == "root" or isinstance(many, Many):
        many.value = _mutate(many.value, data)
    else:
        many.value["config"] = many.put(dump_json(_mutate(config_of([HELLO, MORE]), data)), ImageFormat.OCI.config_type)
    for problem in validate_source(many).problems:
        assert len(str(problem)) < 5000


@given(st.lists(st.sampled_from("ab").map(lambda name: (TarEntry(name), b"")), max_size=3), st.binary(max_size=2000))
def test_any_layer_raises_nothing(members: list[Any], garbage: bytes) -> None:
    tar = write(members[:1]) + garbage
    validate_source(Made([tar, garbage]))


def test_the_reports_of_images_and_of_their_sources_agree() -> None:
    made = Made([HELLO, tar_of([("/a", FILE, b"")])])
    made.value["layers"][0]["annotations"] = {"a": "b"}
    replaced(b"", made)
    assert told(validate(made.image())) == told(validate_source(made))


def test_a_blob_opener_that_gives_other_things_than_files() -> None:
    made = Made()

    class Buffered(Made):
        def blob(self, descriptor: Descriptor) -> Blob:
            content = made.blobs[descriptor.digest]
            return Blob(descriptor, lambda: io.BufferedReader(io.BytesIO(content)))

    source = Buffered()
    source.value = made.value
    assert told(validate_source(source)) == []


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
