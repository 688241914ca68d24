"""kept_stores: the stores of layers of a worker, open from one task to the next.

They are connected once, and what is known of a layer is asked for once, and not for each image that holds it. It is
forgotten after some minutes, and as soon as a layer repository was out of reach: what it has is then not known.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.layers.stores.layer_stores import LayerStores

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions

_LONGEST = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class _Kept:
    stores: LayerStores
    key: tuple[int, BuildOptions, tuple[str, ...]]
    opened: float

    @property
    def is_good(self) -> bool:
        fresh = time.monotonic() - self.opened < _LONGEST
        return fresh and not any(repository.out_of_reach for repository in self.stores.repositories)


_kept: list[_Kept] = []
_lock = threading.Lock()


def kept_stores(options: BuildOptions, reachable: BuildOptions, insecure: tuple[str, ...]) -> LayerStores:
    """Return the stores of some options: those that are open already, if they are of the same.

    `reachable` are the options with how this machine talks to registries, `insecure` hosts whose certificates are not
    verified. Raises `InvalidReference`.
    """
    key = os.getpid(), options, insecure
    with _lock:
        if not _kept or _kept[0].key != key or not _kept[0].is_good:
            # Another task may use the stores that were kept; their connections end with it.
            _kept[:] = [_Kept(LayerStores.of(reachable), key, time.monotonic())]
        return _kept[0].stores
