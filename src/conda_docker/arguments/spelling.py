"""The known word that is nearest to one that is not known, as hints name it."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known word that is most like `word`, by at least `cutoff` (0 to 1); None where none is.

    >>> nearest("gzp", ["gzip", "zstd"])
    'gzip'
    """
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6, otherwise: str = "") -> str:
    """Return a hint at the known word that is nearest, to be put behind an error, or else `otherwise`.

    >>> did_you_mean("gzp", ["gzip", "zstd"]), did_you_mean("x", ["gzip", "zstd"], otherwise="; there are two")
    ("; did you mean 'gzip'?", '; there are two')
    """
    near = nearest(word, known, cutoff=cutoff)
    return otherwise if near is None else f"; did you mean {near!r}?"
