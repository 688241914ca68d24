"""The least that byte-compiling the modules of these `noarch: python` packages can cost: `compile_floor.py ARCHIVE...`.

One process compiles them all. Its processor seconds go to standard output, as JSON.
"""

from __future__ import annotations

import json
import marshal
import sys
import tarfile
import time
import warnings
import zipfile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def main(archives: list[str]) -> None:
    warnings.simplefilter("ignore")
    modules, seconds = 0, 0.0
    for archive in archives:
        with zipfile.ZipFile(archive) as members:
            name = next(name for name in members.namelist() if name.startswith("pkg-"))
            with members.open(name) as packed, tarfile.open(fileobj=zstd.ZstdFile(packed), mode="r|") as tar:
                for member in tar:
                    if not (
                        member.isreg() and member.name.startswith("site-packages/") and member.name.endswith(".py")
                    ):
                        continue
                    stream = tar.extractfile(member)
                    assert stream is not None
                    source = stream.read()
                    begun = time.thread_time()
                    try:
                        marshal.dumps(compile(source, member.name, "exec", dont_inherit=True))
                    except (SyntaxError, ValueError):
                        continue
                    finally:
                        seconds += time.thread_time() - begun
                    modules += 1
    print(json.dumps({"seconds": {"byte-compile": seconds}, "modules": modules}))


if __name__ == "__main__":
    main(sys.argv[1:])
