"""Seconds until the first byte of an answer, the median of several: `first_byte.py TIMES URL`, to standard output."""

from __future__ import annotations

import http.client
import statistics
import sys
import time
from urllib.parse import urlsplit


def main(times: int, url: str) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=300)
    connection.connect()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        answer.read(1)
        taken.append(time.perf_counter() - started)
        answer.read()
        if answer.status != 200:
            sys.exit(f"{url}: {answer.status}")
    print(statistics.median(taken))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
