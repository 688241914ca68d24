"""Wheels of the Python index, repacked as conda packages (packaging.python.org, "Binary distribution format")."""

from __future__ import annotations

import calendar
import configparser
import email.parser
import email.policy
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from email.message import Message
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from demo.conda_package import PLACEHOLDER, Recipe, write_package
from demo.interpreter import SITE_PACKAGES, VERSION, NotHere, compile_modules, subdir

_SCRIPT = """\
#!{python}
# -*- coding: utf-8 -*-
import re
import sys

from {module} import {top}

if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])
    sys.exit({function}())
"""
_GLIBC_OF_OLD_TAGS = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}  # PEP 600


class IndexUnreachable(NotHere):
    """The Python index gave no wheels; the message ends with pip's own words."""


def fetch_wheels(requirements: Iterable[str], folder: Path) -> list[Path]:
    """Have pip put the wheels of these and of all that they need into `folder`, for this Python.

    Raises `IndexUnreachable`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--prefer-binary", "--wheel-dir", str(folder)]
    ended = subprocess.run([*command, *requirements], capture_output=True, text=True, check=False, timeout=1200)
    if ended.returncode != 0:
        last_words = "\n".join(ended.stderr.strip().splitlines()[-5:])
        raise IndexUnreachable(f"pip cannot get {', '.join(requirements)} from the Python index:\n{last_words}")
    return sorted(folder.glob("*.whl"))


def package_wheel(wheel: Path, channel: Path, stage: Path) -> Path:
    """Write a wheel as a conda package into `channel`, through the new folder `stage`, and return the archive.

    A pure wheel becomes a `noarch: python` package, another one a package for this machine's subdir, with its modules
    byte-compiled.
    """
    name, version, _, tags = parse_wheel_filename(wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        info = next(path for path in archive.namelist() if path.endswith(".dist-info/METADATA")).partition("/")[0]
        metadata = _headers(archive.read(f"{info}/METADATA"))
        pure = _headers(archive.read(f"{info}/WHEEL"))["Root-Is-Purelib"] == "true" and all(
            tag.platform == "any" for tag in tags
        )
        modules = "site-packages" if pure else SITE_PACKAGES
        scripts = "python-scripts" if pure else "bin"
        timestamp = _extract(archive, stage, modules, scripts, str(name))
    (stage / modules / info / "INSTALLER").write_text("conda\n")
    os.utime(stage / modules / info / "INSTALLER", (timestamp, timestamp))
    commands = _entry_points(stage / modules / info / "entry_points.txt")
    if not pure:
        _write_commands(commands, stage / "bin", timestamp)
        compile_modules(stage)
    about = {"summary": metadata["Summary"], "license": metadata["License-Expression"] or metadata["License"]}
    recipe = Recipe(
        name=str(name),
        version=str(version),
        build="pyhd_0" if pure else f"py{VERSION.replace('.', '')}_0",
        subdir="noarch" if pure else subdir(),
        depends=_depends(metadata, [tag.platform for tag in tags], pure=pure),
        timestamp=timestamp,
        entry_points=commands if pure else (),
        about={key: value.splitlines()[0][:200] for key, value in about.items() if value},
    )
    return write_package(recipe, stage, channel)


def _headers(content: bytes) -> Message:
    return email.parser.BytesParser(policy=email.policy.compat32).parsebytes(content, headersonly=True)


def _extract(archive: zipfile.ZipFile, stage: Path, modules: str, scripts: str, name: str) -> int:
    """Put the members where they belong, with their times, and return the latest of these."""
    places = {"purelib": modules, "platlib": modules, "scripts": scripts, "headers": f"include/python{VERSION}/{name}"}
    latest = 0
    for member in archive.infolist():
        if member.is_dir():
            continue
        parts = member.filename.split("/")
        if parts[0].endswith(".data"):
            kind = parts[1]
            parts = [places.get(kind, ""), *parts[2:]]
        else:
            kind = "purelib"
            parts = [modules, *parts]
        if ".." in parts:
            raise ValueError(f"{archive.filename}: {member.filename} leads out of the wheel")
        path = stage.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, path.open("wb") as target:
            if kind == "scripts":
                # "Scripts installation": a script that starts with #!python gets the interpreter's own path.
                target.write(re.sub(rb"\A#!pythonw?(?=\s)", f"#!{PLACEHOLDER}/bin/python".encode(), source.read()))
            else:
                shutil.copyfileobj(source, target, 1 << 20)
        path.chmod(0o755 if kind == "scripts" or member.external_attr >> 16 & 0o111 else 0o644)
        mtime = calendar.timegm((*member.date_time, 0, 0, 0))
        os.utime(path, (mtime, mtime))
        latest = max(latest, mtime)
    return latest


def _entry_points(path: Path) -> list[str]:
    """Return the commands of a distribution, as `command = module:function`."""
    if not path.is_file():
        return []
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    sections = [section for section in ("console_scripts", "gui_scripts") if parser.has_section(section)]
    # Extras after the function ("[extra]") say what else to install, which conda packages say by themselves.
    return sorted(
        f"{name} = {value.partition('[')[0].strip()}" for part in sections for name, value in parser[part].items()
    )


def _write_commands(commands: Iterable[str], folder: Path, timestamp: int) -> None:
    for line in commands:
        command, _, target = line.partition(" = ")
        module, _, function = target.partition(":")
        folder.mkdir(exist_ok=True)
        text = _SCRIPT.format(
            python=f"{PLACEHOLDER}/bin/python", module=module, top=function.partition(".")[0], function=function
        )
        path = folder / command
        path.write_text(text)
        path.chmod(0o755)
        os.utime(path, (timestamp, timestamp))


def _depends(metadata: Message, platforms: list[str], *, pure: bool) -> list[str]:
    """Return what the wheel needs, as match specs; what only an extra needs is left out."""
    depends = []
    if pure:
        depends.append(f"python {(metadata['Requires-Python'] or '').replace(' ', '')}".strip())
    else:
        depends.append(f"python {VERSION}.*")
        depends.append(f"__glibc >={min((_glibc(tag) for tag in platforms), key=_numbers)},<3.0.a0")
    for text in metadata.get_all("Requires-Dist") or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            depends.append(f"{canonicalize_name(requirement.name)} {requirement.specifier}".strip())
    return sorted(set(depends))


def _glibc(tag: str) -> str:
    found = re.match(r"manylinux_(\d+)_(\d+)_", tag)
    return ".".join(found.groups()) if found else _GLIBC_OF_OLD_TAGS.get(tag.partition("_")[0], "2.17")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]
