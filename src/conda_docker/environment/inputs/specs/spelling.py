"""What conda makes of match specs that are spelled in the ways of pip, or wrongly (conda/models/match_spec.py)."""

from __future__ import annotations

import re

from conda_docker.redaction import public_text

# A bracket with `=` holds conditions.
_EXTRAS = re.compile(r"(?P<name>(?:\S+::)?[A-Za-z0-9_.-]+) ?\[(?P<extras>[A-Za-z0-9_.,\s-]*)\](?P<rest>[^\[\]]*)")
# Operators as they are often mistyped, and one without a version.
_TURNED = re.compile(r"(?<![=<>!~])=([<>])(?=\s*\d)")
_EMPTY = re.compile(r"([A-Za-z0-9_.-]+)\s?=")


def as_conda_reads(text: str, where: str) -> tuple[str, str | None]:
    """Return a match spec without what conda passes over, and a warning where that is not what is written.

    Extras are pip's alone. `where` names the place in the warning.

    >>> as_conda_reads("dask[complete] >=2", "environment.yml, line 3")[0]
    'dask >=2'
    >>> as_conda_reads("blas[build=mkl]", "environment.yml, line 3")
    ('blas[build=mkl]', None)
    """
    # In a bracket, `=` stands before the value: `[version=>2]`.
    outside, bracket, fields = text.partition("[")
    read = _TURNED.sub(r"\1=", outside) + bracket + fields
    if found := _EMPTY.fullmatch(read):
        read = found[1]
    reason = ""
    if found := _EXTRAS.fullmatch(read):
        read = f"{found['name']}{found['rest']}"
        reason = ", since conda packages have no extras"
    if read == text:
        return text, None
    return read, f"{where}: {public_text(text)[:200]!r} is read as {public_text(read)[:200]!r}{reason}"
