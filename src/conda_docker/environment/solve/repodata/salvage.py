"""Channels whose indexes hold broken records, read without these.

rattler gives up a whole channel for one record that it cannot read, if it is of a package that matters. conda and mamba
pass such a record over.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.channels.rattler_engine import run
from conda_docker.environment.locked import package_from_record
from conda_docker.environment.packages.record_fields import milliseconds_of
from conda_docker.environment.solve.errors import is_damage, rattler_errors
from conda_docker.redaction import public_text, public_url

if TYPE_CHECKING:
    from rattler import PackageName, RepoDataRecord, Subdir
    from rattler.networking import Client

_WORDS = ("license", "license_family")
_DIGITS = re.compile(r"[0-9]{1,18}")
_LARGEST_INDEX = 256 << 20
"""Bytes. Of larger indexes, whose owners check them, no record is salvaged."""


class SalvagedChannel:
    """The readable records of a channel: a `RepoDataSource` for rattler's solver.

    `left_out` grows while records are asked for: file names, and why each cannot be read.
    """

    def __init__(self, url: str, indexes: Mapping[str, Mapping[str, Any]]) -> None:
        self.url = url.rstrip("/") + "/"
        self.left_out: dict[str, str] = {}
        self._base_urls = {subdir: _base_url(self.url, subdir, index) for subdir, index in indexes.items()}
        self._records: dict[tuple[str, str], dict[str, Any]] = {}
        for subdir, index in indexes.items():
            for file_name, record in _records(index):
                self._records.setdefault((subdir, _name(file_name, record)), {})[file_name] = record

    def package_names(self, platform: Subdir) -> list[str]:
        """Return the names of all packages for a platform."""
        return [name for subdir, name in self._records if subdir == str(platform)]

    async def fetch_package_records(self, platform: Subdir, name: PackageName) -> list[RepoDataRecord]:
        """Return the readable records of a package."""
        found = self._records.get((str(platform), name.normalized), {})
        records = (self._read(str(platform), file_name, record) for file_name, record in found.items())
        return [record for record in records if record is not None]

    def _read(self, subdir: str, file_name: str, record: Any) -> RepoDataRecord | None:
        from rattler import PackageRecord, RepoDataRecord

        if isinstance(record, Mapping):
            record = usual_record(record, file_name)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(record, file)
            file.flush()
            try:
                # Size and hashes are not among what an index.json has, so rattler would not look for them.
                known = package_from_record({**record, "url": f"{self._base_urls[subdir]}{file_name}"})
                read = PackageRecord.from_index_json(
                    Path(file.name), size=known.size, sha256=known.sha256, md5=known.md5
                )
            except Exception as error:  # of many kinds, and none is documented
                self.left_out[f"{subdir}/{file_name}"] = public_text(str(error)).splitlines()[-1]
                return None
        return RepoDataRecord(read, file_name, self._base_urls[subdir] + file_name, self.url)


def usual_record(record: Mapping[str, Any], file_name: str) -> dict[str, Any]:
    """Return a record of an index with values as rattler reads them, where others mean the same.

    Numbers may be strings and the other way round, times may have fractions or be no times, and `noarch` may have
    capitals; a license that is not a string is left out.

    >>> usual_record({"build_number": "1", "version": 2.0, "timestamp": -5}, "a-2.0-h0_1.conda")
    {'build_number': 1, 'version': '2.0'}
    """
    read = {key: value for key, value in record.items() if key not in _WORDS or isinstance(value, str)}
    named = file_name.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)
    for key, text in zip(("version", "build"), named[1:], strict=False):
        if isinstance(read.get(key), int | float):
            read[key] = text  # a number has lost its zeros
    for key in ("build_number", "size", "timestamp"):
        value = read.get(key)
        if isinstance(value, float) or (isinstance(value, str) and _DIGITS.fullmatch(value)):
            with suppress(ValueError, OverflowError):  # Infinity and NaN
                read[key] = int(value)
    if isinstance(read.get("timestamp"), int) and milliseconds_of(read["timestamp"]) is None:
        del read["timestamp"]
    if isinstance(read.get("noarch"), str):
        read["noarch"] = read["noarch"].lower()
    return read


def salvage_channel(url: str, subdirs: Sequence[str], client: Client) -> SalvagedChannel | None:
    """Return the channel at `url` with what can be read of its indexes; None where they are not indexes at all."""
    from rattler import Channel, Subdir
    from rattler.networking import fetch_repo_data

    indexes = {}
    unreadable: tuple[type[Exception], ...] = (*rattler_errors(), OSError)
    with tempfile.TemporaryDirectory(prefix="conda-docker-") as folder:
        for subdir in subdirs:
            cache = Path(folder, subdir)
            cache.mkdir()
            try:
                run(
                    lambda: fetch_repo_data(
                        channels=[Channel(url)],
                        platforms=[Subdir(subdir)],  # noqa: B023 -- called at once
                        cache_path=cache,  # noqa: B023
                        callback=None,
                        client=client,
                    )
                )
            except unreadable as error:
                if is_damage(error):
                    return None
                continue  # a channel need not have every subdir
            index = _index_in(cache)
            if index is None:
                return None
            indexes[subdir] = index
    return SalvagedChannel(url, indexes) if indexes else None


def _index_in(folder: Path) -> Mapping[str, Any] | None:
    for file in folder.glob("*.json"):
        if file.name.endswith(".info.json") or file.stat().st_size > _LARGEST_INDEX:
            continue
        try:
            index = json.loads(file.read_bytes())
        except (ValueError, RecursionError):
            continue
        if isinstance(index, dict):
            return index
    return None


def _records(index: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section in ("packages", "packages.conda"):
        records = index.get(section)
        if isinstance(records, Mapping):
            yield from ((str(file_name), record) for file_name, record in records.items())


def _name(file_name: str, record: object) -> str:
    name = record.get("name") if isinstance(record, Mapping) else None
    return str(name).lower() if isinstance(name, str) else file_name.rsplit("-", 2)[0].lower()


def _base_url(url: str, subdir: str, index: Mapping[str, Any]) -> str:
    """Return where packages are (CEP 15)."""
    from urllib.parse import urljoin

    info = index.get("info")
    base = info.get("base_url") if isinstance(info, Mapping) else None
    place = f"{url}{subdir}/"
    return urljoin(place, base).rstrip("/") + "/" if isinstance(base, str) and base else place


def warning_of(channel: SalvagedChannel) -> str | None:
    """Return what users should know about the records that were left out."""
    if not channel.left_out:
        return None
    shown = "; ".join(f"{name}: {reason}" for name, reason in list(channel.left_out.items())[:3])
    more = f" and {len(channel.left_out) - 3} more" if len(channel.left_out) > 3 else ""
    place = public_url(channel.url)
    return f"the index of {place} holds records that cannot be read, which were passed over: {shown}{more}"
