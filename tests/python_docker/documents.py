"""Strategies for the documents of images, with fields that nobody knows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.fields import Fields, json_names
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.documents.manifest import Index, Manifest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=6), children, max_size=3),
    max_leaves=6,
)
TEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)
DIGESTS = st.binary(max_size=3).map(Digest.of)
# Names that clash with what the classes are made of, beside any other.
NAMES = st.one_of(
    st.text(max_size=10),
    st.sampled_from(["media_type", "raw", "_raw", "digest", "value", "what", "rest", "size", "parse", "format"]),
)


def _document(required: dict[str, Any], optional: dict[str, Any], model: type[Fields]) -> st.SearchStrategy[Any]:
    known = json_names(model)
    unknown = st.dictionaries(NAMES.filter(lambda name: name not in known), JSON, max_size=3)
    return st.builds(lambda a, b: a | b, st.fixed_dictionaries(required, optional=optional), unknown)


def descriptors(media_types: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return _document(
        {"mediaType": st.sampled_from(media_types), "digest": DIGESTS, "size": st.integers(0, 2**40)},
        {"annotations": TEXTS | st.none(), "urls": st.lists(st.text(max_size=8), max_size=2), "platform": st.none()},
        Descriptor,
    )


CONFIGS = _document(
    {
        "rootfs": st.fixed_dictionaries(
            {"diff_ids": st.lists(DIGESTS, max_size=3)}, optional={"type": st.just("layers")}
        )
    },
    {
        "architecture": st.sampled_from(["amd64", "arm64", "", None]),
        "os": st.sampled_from(["linux", "windows", None]),
        "variant": st.sampled_from(["v8", "", None]),
        "created": st.sampled_from(["2020-01-01T00:00:00Z", None]),
        "author": st.text(max_size=5) | st.none(),
        "config": st.dictionaries(st.text(max_size=8), JSON, max_size=3) | st.none(),
        "history": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "created": st.just("2020-01-01T00:00:00Z"),
                    "created_by": st.text(max_size=5),
                    "empty_layer": st.booleans(),
                    "unknown": JSON,
                },
            ),
            max_size=4,
        ),
    },
    ImageConfig,
)
OCI_MANIFESTS = _document(
    {
        "schemaVersion": st.just(2),
        "config": descriptors(["application/vnd.oci.image.config.v1+json"]),
        "layers": st.none()
        | st.lists(
            descriptors(
                ["application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar", "x/y"]
            ),
            max_size=3,
        ),
    },
    {
        "mediaType": st.just("application/vnd.oci.image.manifest.v1+json"),
        "annotations": TEXTS | st.none(),
        "artifactType": st.text(max_size=5),
    },
    Manifest,
).filter(lambda value: "manifests" not in value)
OCI_INDEXES = _document(
    {
        "schemaVersion": st.just(2),
        "manifests": st.lists(descriptors(["application/vnd.oci.image.manifest.v1+json"]), max_size=3),
    },
    {"mediaType": st.just("application/vnd.oci.image.index.v1+json"), "annotations": TEXTS | st.none()},
    Index,
).filter(lambda value: "layers" not in value and "config" not in value)
