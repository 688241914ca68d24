"""Which entries of an image's history belong to which layer (image-spec, config.md, "history")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from python_docker.spec.documents.image_config import History

Entries = tuple[History, ...]

_LONGEST = 60  # characters of a title
# What builders put around an instruction of a Dockerfile, and this project around the names of packages.
_WRAPPING = r"^(?:RUN )?(?:\|\d+ .*?)?/bin/(?:sh|bash)(?: -[a-z]+)+ (?:#\(nop\) *)?|^conda-docker: "
_BUILDKIT = "# buildkit"


def split_history(history: Sequence[History] | None, layers: int) -> tuple[Entries, list[Entries]]:
    """Cut a history into what comes before the first layer, and, for each layer, its entry and the empty ones after.

    Layers beyond the end of the history have no entry; entries for more layers than there are are left out, since they
    belong to none.
    """
    leading: list[History] = []
    per_layer: list[list[History]] = []
    for entry in history or ():
        if not entry.empty_layer:
            per_layer.append([entry])
        elif per_layer:
            per_layer[-1].append(entry)
        else:
            leading.append(entry)
    return tuple(leading), [tuple(entries) for entries in per_layer[:layers]] + [()] * (layers - len(per_layer))


def join_history(leading: Entries, per_layer: Iterable[Entries]) -> list[History] | None:
    """Return the whole history, None where nothing is known of any layer.

    It has as many entries that made a layer as there are layers: Docker refuses an image that has more.
    """
    groups = list(per_layer)
    if not leading and not any(groups):
        return None
    return [*leading, *(entry for group in groups for entry in group or (History(),))]


def layer_title(entries: Entries) -> str:
    """Return a short name for a layer with these entries: what made it; empty where they do not say.

    >>> layer_title((History(created_by="RUN /bin/sh -c apt-get update # buildkit"),))
    'apt-get update'
    """
    stated = next((entry.created_by for entry in entries if entry.created_by), "")
    text = " ".join(re.sub(_WRAPPING, "", stated.removesuffix(_BUILDKIT)).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def layer_titles(history: Sequence[History] | None, layers: int) -> list[str]:
    """Return what the layers of an image may be called, the lowest first: by their numbers where nothing is said."""
    _, per_layer = split_history(history, layers)
    return [layer_title(entries) or f"layer {number}" for number, entries in enumerate(per_layer, 1)]
