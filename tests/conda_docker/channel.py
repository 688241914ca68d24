"""A conda channel in a folder, of packages made by hand, indexed by rattler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rattler.index import index_fs

from conda_docker.channels.rattler_engine import run
from conda_docker.environment.locked import LockedPackage, package_from_record
from tests.conda_docker.packages import Entry, File, Folder, HardLink, Symlink, SyntheticPackage

__all__ = ["Entry", "File", "Folder", "HardLink", "Symlink", "SyntheticChannel", "SyntheticPackage"]


class SyntheticChannel:
    """A channel's folder.

    Use it by the fixture `synthetic_channel`: `channel.add(SyntheticPackage(name="a"), ...)` writes archives and
    indexes them; `channel.url` is what a solver takes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "noarch").mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def add(self, *packages: SyntheticPackage, suffix: str = ".conda", all_forms: bool = False) -> list[Path]:
        """Write these packages, index the channel again, and return the archives' paths.

        `all_forms`: write the compressed and the sharded index too, as real channels do.
        """
        paths = [package.write(self.folder / package.folder, suffix) for package in packages]
        self.index(all_forms=all_forms)
        return paths

    def index(self, *, all_forms: bool = False) -> None:
        run(lambda: index_fs(self.folder, write_zst=all_forms, write_shards=all_forms, force=True))

    def path(self, package: SyntheticPackage, suffix: str = ".conda") -> Path:
        return self.folder / package.folder / package.file_name(suffix)

    def repodata(self, subdir: str = "linux-64") -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / subdir / "repodata.json").read_text())
        return document

    def record(self, package: SyntheticPackage, suffix: str = ".conda") -> dict[str, Any]:
        """What the index says of this package."""
        document = self.repodata(package.folder)
        fields: dict[str, Any] = document[_section(suffix)][package.file_name(suffix)]
        return fields

    def locked(
        self, package: SyntheticPackage, suffix: str = ".conda", *, url: str = "", **fields: Any
    ) -> LockedPackage:
        """This package as a solver gives it, from the channel at `url` (here unless given); None removes a field."""
        name = package.file_name(suffix)
        record = {
            **self.record(package, suffix),
            "fn": name,
            "url": f"{url or self.url}/{package.folder}/{name}",
            **fields,
        }
        return package_from_record(record)

    def patch(self, package: SyntheticPackage, suffix: str = ".conda", **fields: Any) -> Mapping[str, Any]:
        """Change what the index says of this package, such as its sha256 or depends; None removes a field."""
        document = self.repodata(package.folder)
        entry: dict[str, Any] = document[_section(suffix)][package.file_name(suffix)]
        entry.update(fields)
        for name in [name for name, value in entry.items() if value is None]:
            del entry[name]
        (self.folder / package.folder / "repodata.json").write_text(json.dumps(document))
        return entry


def _section(suffix: str) -> str:
    return "packages.conda" if suffix == ".conda" else "packages"
