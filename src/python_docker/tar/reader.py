"""TarReader: the members of a tar stream, one after another, with bounded memory whatever the stream holds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

from python_docker.errors import InvalidLayer
from python_docker.stream import ReadStream
from python_docker.tar.entry import EntryType, TarEntry
from python_docker.tar.header import byte_sum
from python_docker.tar.pax import PAX_FLAGS, parse_pax, pax_number, XATTR

_BLOCK = 512
_MAX_EXTENSION = 1 << 20  # bytes of pax headers and long names before one member; honest ones have some hundred
_MAX_PATH = 4096  # bytes, as Linux; what is longer can be put nowhere
_BUFFER = 256 << 10
_READ_SIZE = 1 << 20
_TYPES = {member.value: member for member in EntryType} | {b"\0": EntryType.FILE, b"7": EntryType.FILE}
_LINKS = (EntryType.SYMLINK, EntryType.HARDLINK)
_DEVICES = (EntryType.CHARACTER_DEVICE, EntryType.BLOCK_DEVICE)
_ZERO_BLOCK = bytes(_BLOCK)
