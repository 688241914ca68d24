"""Indexes that unfold to much more than they are: one error, and no more memory or disk than is allowed."""

from __future__ import annotations

import bz2
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.bounded import calls
from conda_docker.bounded.limit import Bounds
from conda_docker.environment.solve.rattler import solve
from conda_docker.environment.solve.repodata import read_ahead
from conda_docker.environment.solve.repodata.index import indexed_hashes
from conda_docker.environment.solve.repodata.read_ahead import ReadAhead
from conda_docker.errors import ChannelError, SolverFailed
from python_docker.streams.compression import zstd_module
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import Answer, ChannelServer
from tests.conda_docker.environment.solving import solve_request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing enforces a limit elsewhere")

Serve = Callable[..., ChannelServer]
BOUNDS = Bounds(160 << 20, 8 << 20)


@pytest.fixture(autouse=True)
def _bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (calls, read_ahead):
        monkeypatch.setattr(module, "usual_bounds", lambda: BOUNDS)


@pytest.fixture
def folder(synthetic_channel: SyntheticChannel) -> Path:
    """Return the folder of a channel with every form of index."""
    synthetic_channel.add(SyntheticPackage(name="tool"), all_forms=True)
    return synthetic_channel.folder


def bomb(size: int, beginning: bytes = b"") -> bytes:
    """Return a zstd frame of `size` blanks after some beginning, without having all of them in memory."""
    compressor = zstd_module().ZstdCompressor()
    pieces = [compressor.compress(beginning)]
    pieces += [compressor.compress(b" " * (1 << 20)) for _ in range(size >> 20)]
    return b"".join([*pieces, compressor.flush()])


def unpacked(data: bytes) -> bytes:
    return bytes(zstd_module().decompress(data))


def test_within_bounds_everything_is_as_ever(serve: Serve, folder: Path) -> None:
    [tool] = solve(solve_request("tool", channels=[serve(folder).url], override_channels=True)).packages
    assert tool.name == "tool"


def test_a_sharded_index(serve: Serve, folder: Path) -> None:
    server = serve(folder, answers={"repodata_shards.msgpack.zst": Answer(body=bomb(192 << 20))})
    request = solve_request("tool", channels=[server.url], override_channels=True)
    said = rf"takes more than .*memory: an index may be damaged.*check the channels \({server.url}\)"
    with pytest.raises(SolverFailed, match=said):
        solve(request)
    with ReadAhead(request) as ahead, pytest.raises(SolverFailed, match=said):
        solve(request, ahead=ahead)
    with pytest.raises(SolverFailed, match=said):
        indexed_hashes(["tool"], [server.url], "linux-64")


def test_a_shard(serve: Serve, folder: Path) -> None:
    [index] = folder.glob("linux-64/repodata_shards.msgpack.zst")
    [shard] = folder.glob("linux-64/**/*.msgpack.zst".replace("**/*", "shards/*"))
    large = bomb(192 << 20)
    # The index names each shard by its digest, which is checked before the shard is unpacked.
    named = hashlib.sha256(large)
    listed = unpacked(index.read_bytes())
    old = bytes.fromhex(shard.name.removesuffix(".msgpack.zst"))
    assert old in listed
    index.write_bytes(zstd_module().compress(listed.replace(old, named.digest())))
    shard.with_name(f"{named.hexdigest()}.msgpack.zst").write_bytes(large)
    server = serve(folder)
    with pytest.raises(SolverFailed, match="takes more than"):
        solve(solve_request("tool", channels=[server.url], override_channels=True))
    assert any(named.hexdigest() in path for _, path in server.requests)


@pytest.mark.parametrize("form", ["repodata.json.zst", "repodata.json"])
def test_an_index_that_fills_the_disk(form: str, serve: Serve, folder: Path, tmp_path: Path) -> None:
    answers = {"shards.msgpack.zst": Answer(404)}
    if form.endswith(".zst"):
        answers[form] = Answer(body=bomb(32 << 20, b"{"))
    else:
        answers |= {".zst": Answer(404), ".bz2": Answer(404), form: Answer(body=b"{" + b" " * (12 << 20))}
    server = serve(folder, answers=answers)
    with pytest.raises(ChannelError, match="larger than any is"):
        solve(solve_request("tool", channels=[server.url], override_channels=True))
    assert sum(file.stat().st_size for file in (tmp_path / "rattler-cache").rglob("*") if file.is_file()) < 1 << 20


def test_a_bomb_in_bzip2(serve: Serve, folder: Path) -> None:
    gone = {"shards.msgpack.zst": Answer(404), "json.zst": Answer(404)}
    server = serve(folder, answers={**gone, ".json.bz2": Answer(body=bz2.compress(b"{" + b" " * (32 << 20)))})
    with pytest.raises(ChannelError, match="larger than any is"):
        solve(solve_request("tool", channels=[server.url], override_channels=True))
