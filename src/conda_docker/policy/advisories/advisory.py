"""Advisory: what a source says of one version of a distribution."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

Distributions = Collection[tuple[str, str]]
"""Names, normalized as PEP 503 has it, with versions."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """An advisory that the distribution `name` in `version` matches.

    `identifier` is what the source calls it, `aliases` are its names in other databases.

    >>> sorted(Advisory("jinja2", "3.1.2", "GHSA-h5c8-rqwp-cp95", ("CVE-2024-22195",)).names)
    ['CVE-2024-22195', 'GHSA-h5c8-rqwp-cp95']
    """

    name: str
    version: str
    identifier: str
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """All that it is called."""
        return frozenset((self.identifier, *self.aliases))
