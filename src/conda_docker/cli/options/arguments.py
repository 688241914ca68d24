"""What the values of options mean: `K=V`, `SRC:DST`, command lines, ports, lists of platforms.

Each function raises a usage error for a value that has another form.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from python_docker.spec.platform import Platform
    from python_docker.spec.reference import ImageReference
    from python_docker.transports import Location

_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?")


def parse_assignments(values: Iterable[str] | None, option: str) -> dict[str, str]:
    """`K=V` as a dictionary.

    >>> parse_assignments(["A=1", "B=x=y"], "--env")
    {'A': '1', 'B': 'x=y'}
    """
    assignments = {}
    for value in values or ():
        name, equals, text = value.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{value!r} has not the form NAME=VALUE", param_hint=option)
        assignments[name] = text
    return assignments


def parse_command(text: str | None, option: str) -> tuple[str, ...] | None:
    """A command: words as a shell reads them, or a JSON list of texts. An empty text is an empty command.

    >>> parse_command("python -c 'print(1)'", "--cmd"), parse_command('["a b", "c"]', "--cmd")
    (('python', '-c', 'print(1)'), ('a b', 'c'))
    """
    if text is None:
        return None
    try:
        if text.lstrip().startswith("["):
            words = json.loads(text)
            if not all(isinstance(word, str) for word in words):
                raise ValueError("not all are texts")
            return tuple(words)
        return tuple(shlex.split(text))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no command: {error}", param_hint=option) from None


def parse_ports(values: Iterable[str] | None) -> tuple[str, ...]:
    """Ports as images have them: `8080/tcp`; a range gives each of its ports.

    >>> parse_ports(["80", "5000-5001/udp"])
    ('80/tcp', '5000/udp', '5001/udp')
    """
    ports = []
    for value in values or ():
        match = _PORT.fullmatch(value.lower())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if match is None or not 1 <= first <= last <= 65535:
            raise typer.BadParameter(f"{value!r} is no port (8080, 53/udp, 9000-9010)", param_hint="--expose")
        ports += [f"{port}/{match[3] or 'tcp'}" for port in range(first, last + 1)]
    return tuple(ports)


def parse_additions(values: Iterable[str] | None) -> tuple[tuple[Path, str], ...]:
    """`SRC:DST`: a file or folder of this machine, and an absolute path in the image.

    >>> parse_additions(["app:/srv/app"])
    ((PosixPath('app'), '/srv/app'),)
    """
    additions = []
    for value in values or ():
        source, colon, target = value.rpartition(":")
        if not colon or not source or not target.startswith("/"):
            raise typer.BadParameter(
                f"{value!r} has not the form SRC:DST, DST being an absolute path in the image", param_hint="--add"
            )
        additions.append((Path(source), target))
    return tuple(additions)


def parse_platforms(values: Iterable[str] | None) -> list[Platform]:
    """Platforms, each given once and with packages for it; `linux/amd64,linux/arm64` is two."""
    from conda_docker.errors import UnsupportedInput
    from conda_docker.request import to_platforms
    from python_docker.errors import InvalidPlatform

    try:
        return list(to_platforms("--platform", values))
    except (InvalidPlatform, UnsupportedInput) as error:
        raise typer.BadParameter(str(error), param_hint="--platform") from None


def parse_location(text: str, option: str, *, default_transport: str | None = None) -> Location:
    """A place that images are read from or written to."""
    from python_docker.errors import InvalidReference
    from python_docker.transports import Location

    try:
        return Location.parse(text, default_transport=default_transport)
    except InvalidReference as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def parse_image_name(text: str) -> ImageReference:
    """`NAME[:TAG]`."""
    from python_docker.errors import InvalidReference
    from python_docker.spec.reference import ImageReference

    try:
        reference = ImageReference.parse(text)
    except InvalidReference as error:
        raise typer.BadParameter(str(error), param_hint="--image") from None
    if reference.digest is not None:
        raise typer.BadParameter(f"{text!r} names a digest, which only the result can have", param_hint="--image")
    return reference


def check_one_description(specs: object, file: object, name: object, prefix: object) -> None:
    """One environment must be described: by packages, a file or both, or by one that exists."""
    ways = {"packages": specs, "--file": file, "--name": name, "--prefix": prefix}
    used = [way for way, value in ways.items() if value]
    if not used:
        raise typer.BadParameter(f"say what goes into the image: {', '.join(ways)}")
    if len(used) > 1 and used != ["packages", "--file"]:
        raise typer.BadParameter(f"{' and '.join(used)} exclude each other: each describes an environment")
