"""What differs between two layers is named, path by path."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest

from conda_docker.verification.compare import compare
from conda_docker.verification.differences import differences
from conda_docker.verification.report import Outcome
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.spec.digest import Digest
from python_docker.streams.compression import Compression
from python_docker.tar import EntryType, TarEntry

Entries = Sequence[tuple[TarEntry, bytes]]
PLAIN: Entries = [
    (TarEntry("a", mode=0o644, size=1, mtime=5), b"1"),
    (TarEntry("b", EntryType.SYMLINK, 0o777, 0, 5, "a"), b""),
]


def layer(entries: Entries = PLAIN, compression: Compression = Compression.GZIP) -> Layer:
    with build_layer(None, compression) as builder:
        for entry, content in entries:
            builder.add(entry, content)
    assert builder.layer is not None
    return builder.layer


def test_the_same_files_differ_in_nothing() -> None:
    assert list(differences(layer(PLAIN[::-1]), layer())) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ([(PLAIN[0][0]._replace(mode=0o4755), b"1"), PLAIN[1]], "a: different mode"),
        ([(PLAIN[0][0]._replace(mtime=6), b"1"), PLAIN[1]], "a: different time"),
        ([(PLAIN[0][0]._replace(uid=1), b"1"), PLAIN[1]], "a: different owner"),
        ([(PLAIN[0][0], b"2"), PLAIN[1]], "a: different content"),
        ([PLAIN[0], (PLAIN[1][0]._replace(link_target="/etc"), b"")], "b: different link target"),
        ([PLAIN[0]], "b: missing"),
        ([*PLAIN, (TarEntry("c"), b"")], "c: not in any package"),
        ([(PLAIN[0][0]._replace(xattrs={"user.a": b"1"}), b"1"), PLAIN[1]], "a: different attributes"),
    ],
)
def test_each_difference_is_named(changed: Entries, found: str) -> None:
    assert list(differences(layer(changed), layer())) == [found]


def test_of_a_damaged_layer_what_comes_after_the_damage_is_not_called_missing() -> None:
    right = layer(compression=Compression.NONE)
    content = right.blob.open().read()[:700]
    damaged = Layer(Blob.from_bytes(content, right.descriptor.media_type), right.diff_id)
    [found] = differences(damaged, right)
    assert found.startswith("the layer is damaged: ")


def test_outcomes() -> None:
    right = layer()
    assert compare(right, right, read=True) == (Outcome.IDENTICAL, None, ())
    assert compare(layer(compression=Compression.ZSTD), right, read=True)[0] is Outcome.SAME_CONTENT
    other = layer(PLAIN[::-1])
    assert compare(other, right, read=True)[0] is Outcome.DIFFERENT
    assert compare(other, right, read=True, any_order=True)[0] is Outcome.SAME_CONTENT
    assert compare(other, right, read=False)[0] is Outcome.DIFFERENT


def test_a_claim_is_read_before_it_is_believed() -> None:
    right = layer()
    liar = Layer(layer([(PLAIN[0][0], b"2"), PLAIN[1]]).blob, right.diff_id)
    outcome, _, found = compare(liar, right, read=True)
    assert (outcome, found[0]) == (Outcome.DIFFERENT, "a: different content")
    assert compare(liar, right, read=False)[0] is Outcome.SAME_CONTENT
    assert Digest(f"sha256:{hashlib.sha256(b'').hexdigest()}") != right.digest
