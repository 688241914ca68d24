"""Digests, and the readers that hash or check what passes."""

from __future__ import annotations

import copy
import hashlib
import io
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import ContentMismatch, InvalidDigest
from python_docker.spec.digest import Digest, HashingReader, VerifyingReader
from python_docker.streams.stream import ReadStream

HEX = "0123456789abcdef" * 4


@given(st.binary())
def test_the_digest_of_bytes_is_their_sha256(content: bytes) -> None:
    assert Digest.of(content) == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_its_parts() -> None:
    digest = Digest(f"sha256:{HEX}")
    assert (digest.algorithm, digest.encoded, digest.short) == ("sha256", HEX, HEX[:12])


def test_digests_of_unknown_algorithms_can_be_held_but_not_computed() -> None:
    digest = Digest("multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8")
    assert digest.algorithm == "multihash+base58"
    with pytest.raises(InvalidDigest, match="cannot compute"):
        digest.new_hash()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        f"sha256:{HEX[:-1]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"sha512:{HEX}",
        f"SHA256:{HEX}",
        f"sha256:{HEX}\n",
        f" sha256:{HEX}",
        f"sha256:../../{HEX[6:]}",
        "../..:abc",
        "a/b:c",
        "sha256::" + HEX,
        "x:" + 300 * "a",
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest(text)


@given(st.text())
def test_any_text_is_a_digest_or_refused(text: str) -> None:
    try:
        digest = Digest(text)
    except InvalidDigest:
        return
    assert digest == text
    assert "/" not in digest
    assert not digest.encoded.startswith(".")


def test_a_digest_is_a_text_for_everybody_else() -> None:
    digest = Digest(f"sha256:{HEX}")
    assert {digest: 1}[f"sha256:{HEX}"] == 1  # type: ignore[index]
    for twin in (copy.deepcopy(digest), pickle.loads(pickle.dumps(digest))):
        assert (twin, type(twin)) == (digest, Digest)


def test_check_names_what_is_damaged() -> None:
    Digest.of(b"abc").check(b"abc", "it")
    Digest(f"sha512:{hashlib.sha512(b'abc').hexdigest()}").check(b"abc", "it")
    with pytest.raises(ContentMismatch, match="the config is damaged"):
        Digest.of(b"abc").check(b"abd", "the config")


@given(st.binary(max_size=100), st.lists(st.integers(1, 40)))
def test_a_hashing_reader_hashes_what_was_read(content: bytes, sizes: list[int]) -> None:
    reader = HashingReader(io.BytesIO(content))
    read = b"".join(reader.read(size) for size in sizes)
    assert content.startswith(read)
    assert (reader.size, reader.digest) == (len(read), Digest.of(read))


def test_a_hashing_reader_can_compute_another_algorithm() -> None:
    reader = HashingReader(io.BytesIO(b"abc"), "sha512")
    reader.readall()
    assert reader.digest == f"sha512:{hashlib.sha512(b'abc').hexdigest()}"


class Dribble(ReadStream):
    """Gives one byte at a time, as a slow connection may."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = io.BytesIO(content)

    def read(self, size: int | None = -1) -> bytes:
        return self.content.read(min(1, -1 if size is None else size))


@pytest.mark.parametrize("known_size", [True, False])
@given(content=st.binary(max_size=50), size=st.integers(-1, 60))
def test_a_verifying_reader_gives_right_content(known_size: bool, content: bytes, size: int) -> None:
    reader = VerifyingReader(Dribble(content), Digest.of(content), len(content) if known_size else None, "it")
    pieces = [] if size == 0 else list(iter(lambda: reader.read(size), b""))
    assert size == 0 or b"".join(pieces) == content
    assert reader.tell() == len(b"".join(pieces))


@pytest.mark.parametrize("known_size", [True, False])
@given(content=st.binary(min_size=1, max_size=50), place=st.integers(0, 49), size=st.integers(1, 60))
def test_a_verifying_reader_keeps_the_last_byte_of_damaged_content(
    known_size: bool, content: bytes, place: int, size: int
) -> None:
    damaged = bytearray(content)
    damaged[place % len(content)] ^= 1
    reader = VerifyingReader(io.BytesIO(damaged), Digest.of(content), len(content) if known_size else None, "it")
    given = b""
    with pytest.raises(ContentMismatch, match="damaged"):
        while piece := reader.read(size):
            given += piece
    assert not known_size or len(given) < len(content)
    with pytest.raises(ContentMismatch):
        reader.read(1)


def test_a_verifying_reader_tells_of_truncated_content() -> None:
    reader = VerifyingReader(io.BytesIO(b"abc"), Digest.of(b"abcd"), 4, "blob 7")
    with pytest.raises(ContentMismatch, match="blob 7 is truncated: 3 bytes of 4"):
        reader.read()


def test_a_verifying_reader_tells_of_content_that_goes_on_and_reads_no_more_than_a_byte_of_it() -> None:
    endless = io.BytesIO(b"abcd" + 1000 * b"x")
    reader = VerifyingReader(endless, Digest.of(b"abcd"), 4, "it")
    assert reader.read(1000) == b"abcd"
    with pytest.raises(ContentMismatch, match="longer than the 4 bytes"):
        reader.read(1)
    assert endless.tell() == 5


def test_closing_a_reader_closes_what_is_beneath() -> None:
    for wrap in (HashingReader, lambda stream: VerifyingReader(stream, Digest.of(b""), 0, "it")):
        stream = io.BytesIO()
        with wrap(stream):
            assert not stream.closed
        assert stream.closed


def test_readers_fill_buffers() -> None:
    buffer = bytearray(8)
    with io.BufferedReader(HashingReader(io.BytesIO(b"0123456789"))) as buffered:
        assert buffered.readinto(buffer) == 8
        assert bytes(buffer) == b"01234567"
        assert buffered.read() == b"89"
