"""confirm: whether a layer that others have made is what the entry in their store says, before an image names it.

An image's manifest and config name the digest, the size and the diff ID of each layer. Those of a layer that was made
here are known. Those of an entry are claims, which are checked without a request for that alone:

    this machine has read the layer before ──> size and diff ID are compared
    the image's places take it unread ───────> it is there: mounted, or found there, in that size
    they need its bytes ─────────────────────> fetched into the cache, and decompressed once: digest, size, diff ID

A registry that mounts a layer does not say how large it is. Where that is to be known, as with `--verify-cache`, and
where nobody takes the layer yet, its store is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from conda_docker.cache.folder import NoteKind
from conda_docker.layers.facts import differing
from python_docker.errors import ContentMismatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from conda_docker.cache.folder import CacheFolder
    from conda_docker.layers.facts import LayerFacts
    from conda_docker.layers.stores import LayerStore
    from python_docker.image.layer import Layer

_READ_SIZE = 1 << 20


class Seen(Protocol):
    """A layer with what was seen while it was made."""

    @property
    def layer(self) -> Layer: ...

    @property
    def facts(self) -> LayerFacts: ...


def confirm(
    layer: Layer,
    store: LayerStore,
    cache: CacheFolder,
    take: Callable[[], bool] | None = None,
    *,
    read: bool = False,
    ask: bool = False,
) -> None:
    """Check what the entry of `store` says of a layer: all of it where its bytes are needed.

    They are when they are to be `read` anyway, or when `take` says that the layer could not be taken without them.
    Without `take`, or when told to `ask`, the store is asked for the size.

    Raises `ContentMismatch` where something is not so, what the store raises when it cannot give the layer, and what
    `take` raises.
    """
    _compare(layer, cache)
    if ask or (take is None and not read):
        store.confirm(layer)
    if read or (take is not None and not take()):
        layer.blob.open().close()  # which fetches it into the cache if need be
        check_diff_id(layer, cache)


def check_diff_id(layer: Layer, cache: CacheFolder) -> None:
    """Check the diff ID of a layer by reading all of it, once for all builds that use the cache.

    Raises `ContentMismatch`.
    """
    if _compare(layer, cache):
        return
    with layer.open_uncompressed() as stream:
        while stream.read(_READ_SIZE):
            pass
    cache.remember(NoteKind.DIFF_IDS, layer.digest.encoded, f"{layer.diff_id} {layer.size}".encode())


def differences(entry: Seen, made: Seen) -> str:
    """Return in which of digest, diff ID, size and facts an entry is of another layer than was made; empty for none."""
    pairs = [
        ("the digest", entry.layer.digest, made.layer.digest),
        ("the diff ID", entry.layer.diff_id, made.layer.diff_id),
        ("the size in bytes", entry.layer.size, made.layer.size),
    ]
    found = [f"{what} {said} instead of {right}" for what, said, right in pairs if said != right]
    if facts := differing(entry.facts, made.facts):
        found.append(f"other facts ({', '.join(facts)})")
    return ", ".join(found)


def _compare(layer: Layer, cache: CacheFolder) -> bool:
    """Return whether this machine has read the layer before. Raises `ContentMismatch` where it saw something else."""
    note = cache.read_note(NoteKind.DIFF_IDS, layer.digest.encoded)
    if note is None:
        return False
    diff_id, _, size = note.decode("utf-8", "replace").partition(" ")
    if diff_id != layer.diff_id:
        raise ContentMismatch(f"the tar of layer {layer.digest} has the digest {diff_id} instead of {layer.diff_id}")
    if size and size != str(layer.size):  # notes of earlier releases have none
        raise ContentMismatch(f"layer {layer.digest} has {size} bytes instead of {layer.size}")
    return True
