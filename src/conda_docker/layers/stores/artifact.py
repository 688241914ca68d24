"""Entries of a layer repository as OCI artifacts: one layer, or all layers of an environment, with facts as the config.

Source: image-spec, manifest.md, "Guidelines for Artifact Usage".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Manifest

LAYER_TYPE = "application/vnd.conda-docker.layer.v1"
PLAN_TYPE = "application/vnd.conda-docker.plan.v1"
FACTS_TYPE = "application/vnd.conda-docker.facts.v1+json"
USED = "org.conda-docker.used"
"""The annotation with the day on which an entry was last of use."""
_IN_DESCRIPTOR = 1 << 20
"""Bytes of a config that goes into its descriptor, which saves a request; manifests have 4 MiB at most."""
LARGEST_CONFIG = 64 << 20
"""Bytes of a config that are read at most."""
_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def artifact_manifest(kind: str, config: bytes, layers: Iterable[Descriptor]) -> Manifest:
    """Return the manifest of an artifact of some `kind`, which was of use today; a small config stands in it, too."""
    descriptor = Descriptor.of(config, FACTS_TYPE)
    if len(config) <= _IN_DESCRIPTOR:
        descriptor = descriptor.replace(data=base64.b64encode(config).decode("ascii"))
    return Manifest.build(
        {
            "schemaVersion": 2,
            "mediaType": _OCI_MANIFEST,
            "artifactType": kind,
            "config": descriptor.to_json(),
            "layers": [layer.to_json() for layer in layers],
            "annotations": {USED: today()},
        }
    )


def config_in(manifest: Manifest, where: str) -> bytes | None:
    """Return the config that stands in a manifest itself, None where it is a blob of its own.

    Raises `ValueError` for what is not base64, and `ContentMismatch`, which names `where` the manifest is.
    """
    descriptor = manifest.config
    if descriptor.data is None:
        return None
    content = base64.b64decode(descriptor.data, validate=True)
    descriptor.digest.check(content, f"the config in an entry of {where}")
    return content


def today() -> str:
    """Return the day, as entries note it: 2026-01-31."""
    return datetime.now(UTC).date().isoformat()


def used_on(manifest: Manifest) -> str:
    """Return the day on which an entry was last of use to a build that may write there; empty where it does not say."""
    return (manifest.annotations or {}).get(USED, "")


def plan_tag(keys: Iterable[str]) -> str:
    """Return the tag of an environment's entry, whatever the order of its layers' keys.

    >>> plan_tag(["b", "a"]) == plan_tag(["a", "b"])
    True
    """
    return "plan-" + hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
