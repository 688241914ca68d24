"""What it costs that no damaged layer leaves the cache: `check_layers.py CACHE`.

Every layer is hashed as a warm build does it before it links or sends one, by its checksum; and once more by SHA-256,
which layers without a checksum need. The processor seconds of each go to standard output, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

from python_docker.files.checksum import checksum_of


def main(cache: Path) -> None:
    blobs = [path for path in cache.glob("blobs/sha256/*") if path.is_file()]
    steps = {}
    begun = time.process_time()
    for path in blobs:
        checksum_of(path)
    steps["checksum"] = time.process_time() - begun
    begun = time.process_time()
    for path in blobs:
        with path.open("rb", buffering=0) as file:
            hashlib.file_digest(file, "sha256")
    steps["SHA-256"] = time.process_time() - begun
    print(json.dumps({"seconds": steps, "bytes": sum(path.stat().st_size for path in blobs)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
