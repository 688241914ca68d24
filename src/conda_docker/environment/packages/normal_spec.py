"""The one spelling of a match spec, so that how and in which order packages are asked for changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z0-9_.*-]+")
_AROUND_OPERATORS = re.compile(r" ?([<>=!~]+|[,|]) ?")
_OPERATORS = re.compile(r"[<>=!~]*")
_BRACKET = re.compile(r"\s*([a-z_0-9]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,'\"\]]*))\s*(?:,|$)")
_HAS_OPERATOR = re.compile(r"[<>=!~,|()]")


def normal_specs(specs: Iterable[str]) -> tuple[str, ...]:
    """Return match specs in their normal form, each once, sorted by name.

    >>> normal_specs(["python = 3.12", "flask", "python=3.12.*"])
    ('flask', 'python=3.12')
    """
    return tuple(sorted({normal_spec(spec) for spec in specs}, key=by_name))


def by_name(spec: str) -> tuple[str, str]:
    """Return what a match spec is sorted by: its package, whichever channel is named."""
    return (spec.rpartition("::")[2], spec)


def normal_spec(spec: str) -> str:
    """Return a match spec in its normal form; what is not understood is returned without needless spaces.

    `name=3.12` is any version that starts so, `name==3.12` that version alone, as conda writes both; a space between
    name and version means the latter (conda/models/match_spec.py).

    >>> [normal_spec(spec) for spec in ("Numpy  >= 2 , <3", "numpy 1.26", "blas[build = 'mkl']", "a=1=h_0")]
    ['numpy>=2,<3', 'numpy==1.26', 'blas=*=mkl', 'a==1=h_0']
    """
    text = " ".join(spec.split())
    outside, bracket, inside = text.partition("[")
    channel, separator, rest = outside.rpartition("::")
    found = _NAME.match(rest)
    if found is None or "/" in rest or "#" in rest:
        return text  # an archive's URL or path, or nothing that is known
    constraint = rest[found.end() :]
    fields = _bracket_fields(inside) if bracket else {}
    if fields is None:
        return text
    if not separator and "channel" in fields:
        channel, separator = fields.pop("channel"), "::"
    version, build = _version_and_build(_AROUND_OPERATORS.sub(r"\1", constraint))
    if not version and "version" in fields:
        version = _exact_or_prefix(_AROUND_OPERATORS.sub(r"\1", fields.pop("version").strip()))
    if not build and "build" in fields:
        build = fields.pop("build")
    listed = ",".join(f"{key}='{value}'" for key, value in sorted(fields.items()))
    return f"{channel}{separator}{found[0].lower()}{_joined(version, build)}{f'[{listed}]' if listed else ''}"


def _version_and_build(constraint: str) -> tuple[str, str]:
    """Split what follows the name, without spaces around operators, into a version with operators and a build."""
    if constraint.startswith(" "):  # "name VERSION BUILD"
        version, _, build = constraint[1:].partition(" ")
        return _exact_or_prefix(version), build
    if " " in constraint:  # "name>=1,<2 BUILD"
        version, _, build = constraint.partition(" ")
        return _sorted_parts(version), build
    operator = _OPERATORS.match(constraint)
    length = operator.end() if operator else 0
    if constraint[:length] in ("=", "==") and "=" in constraint[length:] and not re.search("[<>!~,|]", constraint):
        version, _, build = constraint[length:].partition("=")  # "name=VERSION=BUILD"
        return _exact_or_prefix(version), build
    if constraint.startswith("=") and not constraint.startswith("==") and not _HAS_OPERATOR.search(constraint[1:]):
        prefix = constraint[1:].removesuffix(".*")
        return ("" if prefix in ("", "*") else f"={prefix}"), ""
    return _sorted_parts(constraint), ""


def _exact_or_prefix(version: str) -> str:
    """Return a version that stands alone with its operator: `3.12` is exactly that, `3.12.*` whatever starts so."""
    if version in ("", "*"):
        return ""
    if _HAS_OPERATOR.search(version):
        return _sorted_parts(version)
    return f"={version.removesuffix('.*')}" if version.endswith(".*") else f"=={version}"


def _sorted_parts(version: str) -> str:
    """Return constraints that all must hold in the order of their versions; alternatives keep theirs."""
    if "|" in version or "(" in version or "," not in version:
        return version
    return ",".join(sorted(dict.fromkeys(version.split(",")), key=lambda part: (part.lstrip("<>=!~"), part)))


def _joined(version: str, build: str) -> str:
    if version and version[0] not in "<>=!~":
        version = f" {version}"  # alternatives that begin with a plain version
    if not build:
        return version
    if version.startswith("=") and not version.startswith("=="):
        return f"{version}.*={build}"
    if not version or version.startswith("=="):
        return f"{version or '=*'}={build}"
    return f"{version} {build}"


def _bracket_fields(inside: str) -> dict[str, str] | None:
    """Return the fields between brackets, or None where they cannot be read."""
    if not inside.endswith("]"):
        return None
    fields, position, end = {}, 0, len(inside) - 1
    while position < end:
        found = _BRACKET.match(inside, position, end)
        if found is None or found.end() == position:
            return None
        fields[found[1]] = next(value for value in (*found.groups()[1:], "") if value is not None).strip()
        position = found.end()
    return fields
