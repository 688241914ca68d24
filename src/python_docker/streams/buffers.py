"""Buffers: memory for the pieces of what passes through, kept from one piece to the next."""

from __future__ import annotations

from typing import Final

_KEPT: Final = 16 << 20  # bytes


def keep_buffers() -> None:
    """Have the C library keep the memory of large pieces for the next ones; to be called before many of them pass.

    glibc gives free memory at the end of its heap back to the system from 128 KiB on, so that each piece of a megabyte
    costs 256 page faults: a third of the time of a copy. Freeing a block of that size once raises the limit to twice
    its size (mallopt(3), `M_TRIM_THRESHOLD`). Untouched, the block itself costs nothing, and elsewhere nothing changes.
    """
    bytes(_KEPT)
