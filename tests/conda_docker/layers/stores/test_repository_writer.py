"""Entries on their way into a layer repository: what is new is sent, without a question before."""

from __future__ import annotations

from pathlib import Path

from conda_docker.layers.stores.folder import FolderStore
from tests.conda_docker.layers.stores.shelves import add_layer, keep_environment, repository_store
from tests.peers import Registry


def asked(registry: Registry, repository: str) -> list[tuple[str, str, int]]:
    """Return what was asked of a repository: methods, what is named, and how that was answered."""
    return [
        (each.method, each.path.split("/")[-2], each.status)
        for each in registry.requests()
        if f"/{repository}/" in each.path
    ]


def test_a_small_layer_without_an_entry_is_sent_unasked(registry: Registry, repository: str, tmp_path: Path) -> None:
    folder = FolderStore(tmp_path / "first")
    key = add_layer(folder, "python")
    entry = folder.entry(key)
    assert entry is not None
    store = repository_store(f"{registry.host}/{repository}", tmp_path / "first")
    store.put(key, entry.layer, entry.facts, entry.inputs)
    found = asked(registry, repository)
    assert found[0] == ("GET", "manifests", 404)
    assert sorted(method for method, _, _ in found[1:]) == ["POST", "POST", "PUT", "PUT", "PUT"]
    store.put(key, entry.layer, entry.facts, entry.inputs)
    assert asked(registry, repository) == found, "it is known to be there"


def test_the_entry_of_an_environment_that_is_there_is_not_sent_again(
    registry: Registry, repository: str, tmp_path: Path
) -> None:
    folder = FolderStore(tmp_path / "first")
    keys = [add_layer(folder, name) for name in ("python", "numpy")]
    keep_environment(repository_store(f"{registry.host}/{repository}", tmp_path / "first"), folder, *keys)
    before = len(asked(registry, repository))
    again = repository_store(f"{registry.host}/{repository}", tmp_path / "first")
    again.expect(keys)
    keep_environment(again, folder, *keys)
    assert sorted(method for method, _, _ in asked(registry, repository)[before:]) == ["GET", "HEAD", "HEAD"]
