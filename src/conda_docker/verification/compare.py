"""compare: whether a layer of an image is the layer that was made again."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from conda_docker.verification.differences import differences
from conda_docker.verification.report import Outcome
from python_docker.errors import ContentMismatch, InvalidLayer

if TYPE_CHECKING:
    from python_docker.image.layer import Layer

_LISTED = 50
_READ_SIZE = 1 << 20


def compare(
    stored: Layer, anew: Layer, *, read: bool, any_order: bool = False
) -> tuple[Outcome, str | None, tuple[str, ...]]:
    """Return what `stored` is compared with `anew`, why it is not the same, and the paths that differ.

    With `read`, the bytes of `stored` are read and checked against its digest; otherwise its digests count as they
    are. `any_order` takes the same files in another order for the same content.
    """
    same_bytes, same_tar = stored.digest == anew.digest, stored.diff_id == anew.diff_id
    problem = _read_problem(stored, same_bytes) if read and (same_bytes or same_tar) else None
    if problem is not None:
        return Outcome.DIFFERENT, problem, tuple(islice(differences(stored, anew), _LISTED))
    if same_bytes:
        return Outcome.IDENTICAL, None, ()
    if same_tar:
        return Outcome.SAME_CONTENT, "it is compressed otherwise", ()
    expected = f"its packages make {anew.digest}, with the diff ID {anew.diff_id}"
    if not read:
        return Outcome.DIFFERENT, expected, ()
    found = tuple(islice(differences(stored, anew), _LISTED))
    if found:
        return Outcome.DIFFERENT, expected, found
    if any_order:
        return Outcome.SAME_CONTENT, "its files are in another order, as in extracted folders", ()
    return Outcome.DIFFERENT, f"{expected}: the same files in another order, or another form of tar", ()


def _read_problem(stored: Layer, same_bytes: bool) -> str | None:
    """Return what is wrong with the bytes of a layer, read to the end; None where they are what its digests say.

    Of a layer with the digest of one that was just made, the blob is enough; of another, the tar in it is checked too.
    """
    try:
        with stored.open() if same_bytes else stored.open_uncompressed() as stream:
            while stream.read(_READ_SIZE):
                pass
    except (ContentMismatch, InvalidLayer) as error:
        return str(error)
    return None
