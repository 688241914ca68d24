"""The index's record of a package, from an entry of a lock file of pixi's and from what the package's URL says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.yaml_document import YamlMapping

_TEXTS = ("features", "license", "license_family", "python_site_packages_path", "legacy_bz2_md5")
_NUMBERS = ("size", "timestamp", "legacy_bz2_size")
_LISTS = ("constrains", "purls", "flags")
# Names of processors, where they are not what subdirs call them.
_PROCESSORS = {"64": "x86_64", "32": "x86"}


def described_package(
    entry: YamlMapping,
    derived: LockedPackage,
    *,
    depends: tuple[str, ...] | None = None,
    sha256: str | None = None,
    md5: str | None = None,
    derives_noarch: bool = False,
) -> LockedPackage:
    """Return the package that `entry` describes and that is `derived` by its URL.

    The rules for what an entry leaves out are those of rattler (rattler_lock/src/utils/derived_fields.rs). `depends`
    and the hashes are given where `entry` holds them in another form; `derives_noarch` says that the kind of a noarch
    package is left out unless its build string would mislead. Without size and time, as pixi's first version wrote
    entries, it is not `complete`: both are part of an image, and are in the package. Raises `InvalidEnvironment` for
    values of a wrong kind.
    """
    build = entry.text("build") or derived.build
    number = entry.number("build_number")
    # Where the file is, unless that says nothing: versions 2 and 3 call noarch packages linux-64.
    subdir = derived.subdir if derived.channel else entry.text("subdir") or derived.subdir
    system, _, processor = subdir.partition("-")
    record: dict[str, Any] = {
        "name": entry.text("name") or derived.name,
        "version": entry.text("version") or derived.version,
        "build": build,
        "build_number": _trailing_number(build) if number is None else number,
        "subdir": subdir,
        "noarch": _noarch(entry, derived, derives_noarch),
        "url": derived.url,
        "channel": entry.text("channel") or derived.channel,
        "fn": derived.file_name,
        "sha256": sha256 or entry.text("sha256"),
        "md5": md5 or entry.text("md5"),
        "arch": _PROCESSORS.get(processor, processor) or None,
        "platform": system if processor else None,
        "track_features": " ".join(_words(entry, "track_features")) or None,
    }
    record |= {key: entry.text(key) for key in _TEXTS}
    record |= {key: entry.number(key) for key in _NUMBERS}
    record |= {key: list(entry.texts(key)) for key in _LISTS if key in entry}
    record["depends"] = list(entry.texts("depends") if depends is None else depends)
    known = {key: value for key, value in record.items() if value is not None}
    package = package_from_record(known, source=derived.source)
    has_size_or_time = package.size is not None or package.timestamp is not None
    return replace(package, complete=package.complete and has_size_or_time)


def _noarch(entry: YamlMapping, derived: LockedPackage, derives: bool) -> str | None:
    noarch = entry.text("noarch")
    if noarch is not None:
        return {"false": None, "true": "generic"}.get(noarch, noarch)
    if not derives or derived.subdir != "noarch":
        return None
    return "python" if "py" in derived.build else "generic"


def _words(entry: YamlMapping, key: str) -> tuple[str, ...]:
    value = entry.get(key)
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else entry.texts(key)


def _trailing_number(build: str) -> int:
    digits = build[len(build.rstrip("0123456789")) :]
    return int(digits) if 0 < len(digits) < 19 else 0
