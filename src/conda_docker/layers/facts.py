"""LayerFacts: what was seen while a layer was made, kept next to it so that a build need not look again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """What is known of the packages of one layer.

    `post_link` and `pre_link` name packages with such a script, which linking does not run; `activate` names the
    activation scripts, relative to the prefix; `variables` holds each `etc/conda/env_vars.d` file's name with the
    variables in it. `clobbered` says that some path is in several of the packages. `programs` says that some package
    has programs which glibc's loader starts; `notes` are what users should hear. `paths` are hashes of the paths of
    files and links, `folders` those of their folders: enough to see whether two layers meet. `stated` is what packages
    say of their license and origin, by their stems (see `LinkReport`).
    """

    packages: tuple[str, ...] = ()
    post_link: tuple[str, ...] = ()
    pre_link: tuple[str, ...] = ()
    activate: tuple[str, ...] = ()
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    trimmed_files: int = 0
    trimmed_bytes: int = 0
    uncompiled: tuple[str, ...] = ()
    clobbered: bool = False
    programs: bool = False
    notes: tuple[str, ...] = ()
    paths: frozenset[int] = frozenset()
    folders: frozenset[int] = frozenset()
    stated: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {
            "packages": self.packages,
            "postLink": self.post_link,
            "preLink": self.pre_link,
            "activate": self.activate,
            "variables": self.variables,
            "trimmedFiles": self.trimmed_files,
            "trimmedBytes": self.trimmed_bytes,
            "uncompiled": self.uncompiled,
            "clobbered": self.clobbered,
            "programs": self.programs,
            "notes": self.notes,
            "paths": pack(self.paths),
            "folders": pack(self.folders),
            "stated": self.stated,
        }

    @classmethod
    def from_json(cls, value: Any) -> LayerFacts:
        """Return facts from JSON values. Raises `KeyError`, `TypeError` or `ValueError` for what are none."""
        return cls(
            packages=tuple(value["packages"]),
            post_link=tuple(value["postLink"]),
            pre_link=tuple(value["preLink"]),
            activate=tuple(value["activate"]),
            variables={name: dict(variables) for name, variables in value["variables"].items()},
            trimmed_files=int(value["trimmedFiles"]),
            trimmed_bytes=int(value["trimmedBytes"]),
            uncompiled=tuple(value["uncompiled"]),
            clobbered=bool(value["clobbered"]),
            programs=bool(value["programs"]),
            # Others wrote them: each is one line, whatever is in it.
            notes=tuple(str(note).replace("\n", "\\n") for note in value["notes"]),
            paths=unpack(value["paths"]),
            folders=unpack(value["folders"]),
            stated={stem: dict(stated) for stem, stated in value["stated"].items()},
        )


def differing(one: LayerFacts, other: LayerFacts) -> list[str]:
    """Return the names of the facts in which two layers are said to differ.

    >>> differing(LayerFacts(), LayerFacts(programs=True))
    ['programs']
    """
    if one == other:
        return []
    first, second = (LayerFacts.from_json(each.to_json()).to_json() for each in (one, other))
    return [name for name, value in first.items() if value != second[name]]


def path_hash(path: str) -> int:
    """Return the hash of a path relative to the prefix, as facts hold it."""
    # 64 bits: that two of a million paths meet by chance is one case in forty million.
    digest = hashlib.blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def pack(hashes: Iterable[int]) -> str:
    """Return hashes as text, the same for the same set."""
    from array import array
    from base64 import b64encode

    return b64encode(array("Q", sorted(hashes)).tobytes()).decode("ascii")


def unpack(text: str) -> frozenset[int]:
    """Return the hashes that `pack` was given. Raises `ValueError`."""
    from array import array
    from base64 import b64decode

    hashes = array("Q")
    hashes.frombytes(b64decode(text, validate=True))
    return frozenset(hashes)
