"""Which repository a blob is mounted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from python_docker.image.blob import Blob
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.upload.mount_sources import MountSources
from python_docker.spec.digest import Digest

BLOB = Blob.from_bytes(b"x", "application/octet-stream")


@dataclass
class Places:
    """`BlobPlaces` in memory, for one registry."""

    known: list[tuple[str, Digest]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def repositories(self, registry: str, digest: Digest) -> Sequence[str]:
        return [repository for repository, found in self.known if found == digest]

    def add(self, registry: str, repository: str, digest: Digest) -> None:
        self.known.append((repository, digest))

    def remove(self, registry: str, repository: str, digest: Digest) -> None:
        self.known.remove((repository, digest))

    def keep(self, registry: str) -> None:
        self.kept.append(registry)


def sources(places: Places | None = None) -> MountSources:
    return MountSources(RegistryClient("r.example.org", RegistryOptions(places=places)), "team/app")


def test_where_a_blob_is_from_comes_before_where_it_was_pushed_to() -> None:
    known = sources(Places([("team/other", BLOB.descriptor.digest)]))
    assert known.of(BLOB) == "team/other"
    assert known.of(replace(BLOB, origin="r.example.org/team/base")) == "team/base"
    assert known.of(replace(BLOB, origin="elsewhere.example.org/team/base")) == "team/other"


def test_nothing_is_mounted_from_where_it_goes() -> None:
    assert sources(Places([("team/app", BLOB.descriptor.digest)])).of(BLOB) is None


def test_a_repository_that_refuses_is_no_source_of_other_blobs() -> None:
    places = Places([("team/other", BLOB.descriptor.digest)])
    known = sources(places)
    known.doubt("team/other", BLOB.descriptor.digest, refused=True)
    assert places.known == []
    places.add("r.example.org", "team/other", BLOB.descriptor.digest)
    assert known.of(BLOB) is None


def test_a_registry_that_fails_at_mounts_is_asked_for_none() -> None:
    client = RegistryClient("r.example.org", RegistryOptions(places=Places([("team/other", BLOB.descriptor.digest)])))
    client.upload_limits.mounts = False
    assert MountSources(client, "team/app").of(BLOB) is None


def test_what_was_pushed_is_remembered() -> None:
    places = Places()
    known = sources(places)
    known.add(BLOB.descriptor.digest)
    known.keep()
    assert (places.known, places.kept) == ([("team/app", BLOB.descriptor.digest)], ["r.example.org"])


def test_nothing_is_remembered_without_places() -> None:
    known = sources()
    known.add(BLOB.descriptor.digest)
    known.doubt("team/other", BLOB.descriptor.digest, refused=False)
    known.keep()
    assert known.repositories(BLOB.descriptor.digest) == ()
