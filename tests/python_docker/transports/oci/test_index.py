"""index.json: which image a name means, and what writing one more leaves as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_docker.errors import InvalidArchive, InvalidDocument, InvalidReference, NotFound
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index
from python_docker.spec.media_types import OCI_INDEX, OCI_MANIFEST
from python_docker.spec.reference import ImageReference
from python_docker.transports.location import Location
from python_docker.transports.oci.index import (
    IMAGE_NAME,
    REF_NAME,
    check_layout_marker,
    choose,
    naming_annotations,
    reference_of,
    with_image,
)


def descriptor(
    content: str,
    ref: str | None = None,
    image: str | None = None,
    platform: str | None = None,
    media_type: str = OCI_MANIFEST,
) -> dict[str, Any]:
    value = Descriptor.of(content.encode(), media_type).to_json()
    annotations = {key: text for key, text in ((REF_NAME, ref), (IMAGE_NAME, image)) if text is not None}
    if annotations:
        value["annotations"] = annotations
    if platform:
        value["platform"] = {"os": "linux", "architecture": platform}
    return value


def index(*descriptors: dict[str, Any]) -> Index:
    return Index.build({"schemaVersion": 2, "manifests": list(descriptors)})


def chosen(found: Descriptor | Index) -> str | list[str]:
    """The digests of what was chosen."""
    return [one.digest for one in found.manifests] if isinstance(found, Index) else found.digest


def digest(content: str) -> str:
    return Descriptor.of(content.encode(), OCI_MANIFEST).digest


class TestChoose:
    def test_only_image(self) -> None:
        assert chosen(choose(index(descriptor("a", "v1")), None, "here")) == digest("a")

    def test_only_image_beside_other_things(self) -> None:
        other = descriptor("b", media_type="application/vnd.example")
        assert chosen(choose(index(other, descriptor("a")), None, "here")) == digest("a")

    @pytest.mark.parametrize(
        ("ref", "image", "name"),
        [
            ("v1", None, "v1"),  # umoci
            ("foo/bar:v1", None, "foo/bar:v1"),  # skopeo
            ("localhost/x:v1", None, "localhost/x:v1"),  # podman
            ("localhost/x:v1", None, "v1"),
            ("v1", "docker.io/library/x:v1", "v1"),  # docker
            ("v1", "docker.io/library/x:v1", "x:v1"),
            ("v1", "docker.io/library/x:v1", "docker.io/library/x:v1"),
            ("latest", "docker.io/library/x:latest", "x"),
            ("x:v1", None, "docker.io/library/x:v1"),
            ("any-thing+else@9", None, "any-thing+else@9"),
            (None, "docker.io/library/x:v1", "x:v1"),
        ],
    )
    def test_spellings(self, ref: str | None, image: str | None, name: str) -> None:
        found = choose(index(descriptor("other", "other/image:tag"), descriptor("a", ref, image)), name, "here")
        assert chosen(found) == digest("a")

    @pytest.mark.parametrize("name", ["v2", "x:v2", "y:v1", "library/x", "", "@2", "@x", "@", "V1"])
    def test_no_such_name(self, name: str) -> None:
        with pytest.raises(NotFound, match=r"x:v1 \(@0\), other \(@1\)$"):
            choose(index(descriptor("a", "v1", "docker.io/library/x:v1"), descriptor("b", "other")), name, "here")

    @pytest.mark.parametrize(("name", "expected"), [("@0", "a"), ("@1", "b")])
    def test_number(self, name: str, expected: str) -> None:
        assert chosen(choose(index(descriptor("a"), descriptor("b")), name, "here")) == digest(expected)

    def test_exact_name_before_a_tag(self) -> None:
        found = choose(index(descriptor("a", "x:v1"), descriptor("b", "v1")), "v1", "here")
        assert chosen(found) == digest("b")

    def test_first_of_the_same_name(self) -> None:
        assert chosen(choose(index(descriptor("a", "v1"), descriptor("b", "v1")), "v1", "here")) == digest("a")

    def test_same_tag_of_several_images(self) -> None:
        both = index(descriptor("a", "v1", "docker.io/library/x:v1"), descriptor("b", "v1", "docker.io/library/y:v1"))
        with pytest.raises(NotFound, match=r"several images called 'v1'.*x:v1 \(@0\), y:v1 \(@1\)"):
            choose(both, "v1", "here")
        assert chosen(choose(both, "y:v1", "here")) == digest("b")

    def test_same_tag_of_several_full_names(self) -> None:
        with pytest.raises(NotFound):
            choose(index(descriptor("a", "x:v1"), descriptor("b", "y:v1")), "v1", "here")

    def test_several_without_a_name(self) -> None:
        with pytest.raises(NotFound, match=r"holds 2 images; .*: v1 \(@0\), v2 \(@1\)$"):
            choose(index(descriptor("a", "v1"), descriptor("b", "v2")), None, "here")

    def test_platforms_of_one_image(self) -> None:
        found = choose(index(descriptor("a", platform="amd64"), descriptor("b", platform="arm64")), None, "here")
        assert chosen(found) == [digest("a"), digest("b")]

    def test_platforms_of_one_name(self) -> None:
        images = [
            descriptor("a", "v1", platform="amd64"),
            descriptor("b", "v1", platform="arm64"),
            descriptor("c", "v2"),
        ]
        found = choose(index(*images), "v1", "here")
        assert chosen(found) == [digest("a"), digest("b")]
        assert isinstance(found, Index)
        assert found.media_type == OCI_INDEX

    def test_same_platform_twice_is_no_one_image(self) -> None:
        with pytest.raises(NotFound, match="holds 2 images"):
            choose(index(descriptor("a", platform="amd64"), descriptor("b", platform="amd64")), None, "here")

    def test_none(self) -> None:
        with pytest.raises(NotFound, match="here holds no image"):
            choose(index(), None, "here")

    def test_long_listing_is_cut(self) -> None:
        many = index(*[descriptor(str(number), f"tag{number}") for number in range(500)])
        with pytest.raises(NotFound, match=r"tag19 \(@19\), and 480 more$"):
            choose(many, None, "here")


class TestNames:
    @pytest.mark.parametrize(
        ("annotations", "expected"),
        [
            ({REF_NAME: "v1"}, None),
            ({REF_NAME: "foo/bar:v1"}, "foo/bar:v1"),
            ({REF_NAME: "v1", IMAGE_NAME: "docker.io/library/x:v1"}, "x:v1"),
            ({REF_NAME: "no+reference@all"}, None),
            ({}, None),
        ],
    )
    def test_reference_of(self, annotations: dict[str, str], expected: str | None) -> None:
        found = reference_of(Descriptor.new(OCI_MANIFEST, Descriptor.of(b"", "").digest, 0, annotations))
        assert (found.familiar if found else None) == expected

    @pytest.mark.parametrize(
        ("name", "reference", "expected"),
        [
            ("v1", None, {REF_NAME: "v1"}),
            ("v1", "x:v2", {REF_NAME: "v1"}),
            ("foo/bar:v1", "x:v2", {REF_NAME: "foo/bar:v1", IMAGE_NAME: "docker.io/foo/bar:v1"}),
            (None, "x:v2", {REF_NAME: "v2", IMAGE_NAME: "docker.io/library/x:v2"}),
            (None, "x@sha256:" + "0" * 64, {}),
            (None, None, {}),
        ],
    )
    def test_annotations(self, name: str | None, reference: str | None, expected: dict[str, str]) -> None:
        parsed = ImageReference.parse(reference, default_tag=None) if reference else None
        assert naming_annotations(Location("oci", "folder", name), parsed) == expected

    @pytest.mark.parametrize("name", ["@0", "a b", "-x", "x-", "a//b", "ü", "a\n", "a__b"])
    def test_no_name(self, name: str) -> None:
        with pytest.raises(InvalidReference, match="cannot name an image in an OCI layout"):
            naming_annotations(Location("oci", "folder", name), None)

    @settings(max_examples=30, deadline=None)
    @given(st.from_regex(r"[A-Za-z0-9]+([-._:@+][A-Za-z0-9]+)*(/[A-Za-z0-9]+(--[A-Za-z0-9]+)*)*", fullmatch=True))
    def test_any_name_is_found_again(self, name: str) -> None:
        annotations = naming_annotations(Location("oci", "folder", name), None)
        written = Descriptor.of(b"new", OCI_MANIFEST, annotations=annotations)
        raw = with_image(index(descriptor("a", "old"), descriptor("b", "x/y:old")).raw, written, "here")
        assert choose(Index.parse(raw), name, "here") == written


class TestWithImage:
    new = Descriptor.of(b"new", OCI_MANIFEST, annotations={REF_NAME: "v1"})

    def test_new_index(self) -> None:
        value = json.loads(with_image(None, self.new, "here"))
        assert value == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [self.new.to_json()]}

    def test_others_are_kept_with_all_their_fields(self) -> None:
        other = {**descriptor("a", "v2"), "unknown": {"x": [1]}}
        raw = json.dumps({"schemaVersion": 2, "unknown": 7, "manifests": [other]}).encode()
        assert json.loads(with_image(raw, self.new, "here")) == {
            "schemaVersion": 2,
            "unknown": 7,
            "manifests": [other, self.new.to_json()],
        }

    def test_same_name_is_replaced_in_its_place(self) -> None:
        raw = index(descriptor("a", "v1"), descriptor("b", "v2"), descriptor("c", "v1")).raw
        digests = [one.digest for one in Index.parse(with_image(raw, self.new, "here")).manifests]
        assert digests == [digest("new"), digest("b")]

    def test_same_tag_of_another_image_is_kept(self) -> None:
        raw = index(descriptor("a", "v1", "docker.io/library/x:v1")).raw
        new = self.new.replace(annotations={REF_NAME: "v1", IMAGE_NAME: "docker.io/library/y:v1"})
        assert len(Index.parse(with_image(raw, new, "here")).manifests) == 2

    def test_nameless_is_replaced_by_nameless(self) -> None:
        raw = index(descriptor("a"), descriptor("b", "v1")).raw
        new = Descriptor.of(b"new", OCI_MANIFEST)
        digests = [one.digest for one in Index.parse(with_image(raw, new, "here")).manifests]
        assert digests == [digest("new"), digest("b")]

    @pytest.mark.parametrize("raw", [b"", b"[]", b'{"schemaVersion": 1, "manifests": []}', b"[" * 10_000])
    def test_malformed_index_is_not_overwritten(self, raw: bytes) -> None:
        with pytest.raises(InvalidDocument, match=r"index.json of here"):
            with_image(raw, self.new, "here")


class TestMarker:
    @pytest.mark.parametrize("raw", [None, b'{"imageLayoutVersion":"1.0.0"}', b'{"imageLayoutVersion":"1.0.0","x":1}'])
    def test_known(self, raw: bytes | None) -> None:
        check_layout_marker(raw, "here")

    @pytest.mark.parametrize("raw", [b'{"imageLayoutVersion":"2.0.0"}', b"{}", b"[]", b'{"imageLayoutVersion":null}'])
    def test_unknown_version(self, raw: bytes) -> None:
        with pytest.raises(InvalidArchive, match=r"only 1\.0\.0 is known"):
            check_layout_marker(raw, "here")

    def test_malformed(self) -> None:
        with pytest.raises(InvalidDocument):
            check_layout_marker(b"1.0.0", "here")
