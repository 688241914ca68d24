"""The least that making layers of these packages can cost, by the bare libraries: `floor.py COMPRESSION ARCHIVE...`.

Archives are hashed (they must be the packages that were asked for) and decompressed; their tars are hashed (diff IDs)
and compressed, and what comes of that is hashed (digests). Nothing is looked into, rewritten or kept. The processor
seconds of each step go to standard output, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import deflate

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

P = ParamSpec("P")
Result = TypeVar("Result")

_READ_SIZE = 1 << 20
_LEVELS = {"gzip": 1, "zstd": 3}
_BLOCKS = {"gzip": 1 << 20, "zstd": 4 << 20}


def compressor(compression: str) -> Callable[[bytes], bytes]:
    if compression == "gzip":
        return lambda block: bytes(deflate.gzip_compress(block, _LEVELS["gzip"]))
    if compression == "zstd":
        return zstd.ZstdCompressor(_LEVELS["zstd"], None).compress
    return lambda block: block


def main(compression: str, archives: list[str]) -> None:
    steps = dict.fromkeys(("hash", "decompress", "compress"), 0.0)
    sizes = {"packages": 0, "tars": 0, "layers": 0}

    def timed(step: str, call: Callable[P, Result], *arguments: P.args, **options: P.kwargs) -> Result:
        begun = time.thread_time()
        result = call(*arguments, **options)
        steps[step] += time.thread_time() - begun
        return result

    compress, block_size = compressor(compression), _BLOCKS.get(compression, 1 << 20)
    for archive in map(Path, archives):
        package, diff, layer = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
        with archive.open("rb") as file:
            while data := file.read(_READ_SIZE):
                timed("hash", package.update, data)
                sizes["packages"] += len(data)
        with zipfile.ZipFile(archive) as members:
            name = next(name for name in members.namelist() if name.startswith("pkg-"))
            decompressor = zstd.ZstdDecompressor()
            with members.open(name) as stream:
                ended = False
                while not ended:
                    block, wanted = [], block_size
                    while wanted and not ended:
                        data = stream.read(_READ_SIZE) if decompressor.needs_input else b""
                        ended = decompressor.needs_input and not data
                        if not ended:
                            piece = timed("decompress", decompressor.decompress, data, wanted)
                            block.append(piece)
                            wanted -= len(piece)
                            ended = decompressor.eof
                    content = b"".join(block)
                    timed("hash", diff.update, content)
                    result = timed("compress", compress, content)
                    timed("hash", layer.update, result)
                    sizes["tars"] += len(content)
                    sizes["layers"] += len(result)
    print(json.dumps({"seconds": steps, "bytes": sizes}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
