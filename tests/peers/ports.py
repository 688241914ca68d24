"""free_port: ports for servers that have to be told which one to take."""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """Return a free port of loopback that the system gives to nobody who asks for any: those begin at 32768 (ip(7)).

    Between the choice and the moment when a server listens, other tests ask for many.
    """
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(15_000, 32_768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
