"""Small wheels, made in a test."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

Content = bytes | str


def make_wheel(
    folder: Path,
    name: str = "demo",
    version: str = "1.0",
    files: Mapping[str, Content] | None = None,
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    metadata: Mapping[str, Content] | None = None,
    executable: Sequence[str] = (),
    record: str | None = None,
    license_expression: str | None = None,
    extra: Sequence[tuple[zipfile.ZipInfo | str, Content]] = (),
) -> Path:
    """Write a wheel to `folder` and give its path.

    `files` are its members by path, `metadata` more files of its dist-info than METADATA, WHEEL and RECORD. `record` is
    the text of RECORD in place of the right one; `extra` are members that RECORD says nothing of.
    """
    escaped = name.replace("-", "_")
    info = f"{escaped}-{version}.dist-info"
    pure = "true" if tag.endswith("-none-any") else "false"
    members: dict[str, Content] = dict({f"{escaped}/__init__.py": "answer = 42\n"} if files is None else files)
    for file, content in (metadata or {}).items():
        members[f"{info}/{file}"] = content
    lines = [f"Requires-Dist: {requirement}\n" for requirement in requires]
    lines += [f"License-Expression: {license_expression}\n"] if license_expression else []
    members[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(lines)}"
    members[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    rows = [_row(path, content) for path, content in members.items()]
    members[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]) if record is None else record
    path = folder / f"{escaped}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            entry = zipfile.ZipInfo(member, (2024, 5, 6, 7, 8, 10))
            entry.external_attr = (0o100755 if member in executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
        for member_or_name, content in extra:
            archive.writestr(member_or_name, content)
    return path


def _row(path: str, content: Content) -> str:
    data = content.encode() if isinstance(content, str) else content
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f'"{path}",sha256={digest},{len(data)}\n'
