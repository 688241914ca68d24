"""Limits that hold for writing and checking alike: what is written here is never refused when it is read."""

from __future__ import annotations

from typing import Final

MAX_DOCUMENT_SIZE: Final = 4 << 20
"""Bytes of a manifest, index or config: what registries accept (distribution, registry/handlers/manifests.go)."""

MAX_NAME: Final = 255
"""Bytes of one name in a path, on every file system that layers are unpacked to."""

MAX_PATH: Final = 4096
"""Bytes of a path, or of what a link leads to, as Linux; what is longer can be put nowhere."""

MAX_LAYERS: Final = 125
"""Layers of an image that Docker takes (moby, layer/layer_store.go, maxLayerDepth)."""

MAX_VARIABLE: Final = 131_071
"""Bytes of `NAME=VALUE` that a program can be started with (Linux, MAX_ARG_STRLEN, of pages of 4 KiB)."""
