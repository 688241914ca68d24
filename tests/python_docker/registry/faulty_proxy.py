"""The faults of a bad network, by chance but with a seed: cuts, 5xx, 429 with Retry-After, slow trickle."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.python_docker.registry.tcp_proxy import NONE, Fault

_STATUSES = ("500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout")


def random_faults(seed: int, *, share: float = 0.4, reach: int = 60_000) -> Callable[[], Fault]:
    """What befalls one connection after the other: nothing, but to `share` of them something.

    Cuts come within `reach` bytes.
    """
    chance = random.Random(seed)

    def fault() -> Fault:
        if chance.random() >= share:
            return NONE
        kind = chance.choice(["status", "limit", "up", "down", "both", "trickle", "nothing"])
        if kind == "status":
            body = b"<html><body>oops</body></html>"
            status = (
                f"HTTP/1.1 {chance.choice(_STATUSES)}\r\nContent-Length: {len(body)}\r\nContent-Type: text/html\r\n"
            )
            return Fault(answer=status.encode() + b"Connection: close\r\n\r\n" + body)
        if kind == "limit":
            head = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n"
            return Fault(answer=head + b"Connection: close\r\n\r\n")
        if kind == "up":
            return Fault(cut_up=chance.randrange(1, reach))
        if kind == "down":
            return Fault(cut_down=chance.randrange(1, reach))
        if kind == "both":
            return Fault(cut_up=chance.randrange(1, reach), cut_down=chance.randrange(1, reach))
        if kind == "trickle":
            return Fault(pause=0.001, piece=chance.randrange(500, 4000))
        return Fault(answer=b"")

    return fault
