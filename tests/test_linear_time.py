"""Text by others is read in linear time, whatever it repeats."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from packaging.version import Version

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.inputs.lock_files.explicit import parse_explicit
from conda_docker.environment.inputs.lock_files.index_record import _trailing_number
from conda_docker.environment.inputs.pixi.activation import exports
from conda_docker.environment.inputs.pixi.toml_table import _line_of
from conda_docker.environment.inputs.specs.environment_yml import parse_environment_yml
from conda_docker.environment.inputs.specs.requirements_file import read_requirement_lines
from conda_docker.environment.inputs.specs.spec_list import parse_spec_list
from conda_docker.environment.locked import package_from_record
from conda_docker.environment.packages.normal_spec import normal_spec
from conda_docker.environment.solve.match_specs import read_specs
from conda_docker.package.entry_points import parse_entry_points
from conda_docker.package.metadata import parse_metadata
from conda_docker.policy.advisories.grype import _holds
from conda_docker.pypi.requirement_text import is_location, without_marker
from conda_docker.pypi.resolve.failures import _NO_WHEELS, _NOT_FOUND
from conda_docker.redaction import public_log, public_output
from python_docker.errors import Error
from python_docker.http.connections.proxy import bypasses
from python_docker.http.headers import content_range, next_link, retry_after
from python_docker.http.url import public_url
from python_docker.registry.access.address import RegistryAddress
from python_docker.registry.auth.challenge import parse_challenges
from python_docker.spec.digest import Digest
from python_docker.spec.documents.history import layer_title
from python_docker.spec.documents.image_config import History
from python_docker.spec.reference import ImageReference

_key_in = partial(_line_of, "b")
Read = Callable[[str], object]


def legacy_paths(text: str) -> object:
    index = b'{"name": "a", "version": "1", "build": "0", "build_number": 0, "subdir": "noarch"}'
    return parse_metadata({"index.json": index, "files": b"a", "has_prefix": text.encode()}, 0, "a package")


READERS: dict[str, Read] = {
    "Link": lambda text: next_link([text]),
    "Content-Range": lambda text: content_range({"content-range": text}),
    "Retry-After": lambda text: retry_after({"retry-after": text}),
    "WWW-Authenticate": lambda text: parse_challenges([text]),
    "NO_PROXY": lambda text: bypasses(text, "example.org", 443),
    "a URL that is shown": public_url,
    "a registry's address": RegistryAddress.parse,
    "a reference": ImageReference.parse,
    "a digest": Digest,
    "a log with URLs": public_log,
    "what a program printed": public_output,
    "an entry point": lambda text: parse_entry_points([f"a = b:c{text}"]),
    "has_prefix": legacy_paths,
    "a spec": normal_spec,
    "a spec of a channel": lambda text: read_specs([f"c::a{text}"], CondaConfiguration()),
    "a list of specs": parse_spec_list,
    "an explicit list": lambda text: parse_explicit(f"@EXPLICIT\n{text}"),
    "an environment.yml": lambda text: parse_environment_yml(f"dependencies: [a]  # {text}\n"),
    "a variable of a pixi manifest": lambda text: exports({"A": text}),
    "a pip section": lambda text: read_requirement_lines([text], folder=Path("/"), origin="x"),
    "a requirement of pip": lambda text: (without_marker(text), is_location(text, Path("/"))),
    "a key of a pixi manifest": lambda text: _key_in(f"a = '''\n{text}\n'''\nb = 1\n"),
    "the history of an image": lambda text: layer_title((History(created_by=f"RUN {text} # buildkit"),)),
    "a clause of an advisory": lambda text: _holds(Version("1"), f">{text}1"),
    "an entry of a lock file": lambda text: _trailing_number(f"py{text}"),
    "a package's record": lambda text: package_from_record(
        {"name": "a", "version": "1", "build": f"0{text}", "url": f"https://h/{text}", "depends": [text]}
    ),
    "what pip resolution says": lambda text: _NOT_FOUND.findall(text) + _NO_WHEELS.findall(text),
}
WORDS = "a a. a- a/ a, a= = , ; : :// a:// a://b@ @ ? ?a / /t/ /t/a < <>; <a>;rel= [ [] { a{ ' \\ - _ 0 % a=\""
PIECES = (*WORDS.split(), *" \t", "a ", "a.a ", "[a] ", '"')

_NOTICEABLE = 1.0
"""Seconds of processor time for 400 kB; what is quadratic where it matters takes minutes."""


@pytest.mark.parametrize("reader", READERS)
def test_time_is_linear(reader: str) -> None:
    """Ten times as much takes about ten times as long: a hundred times would be a quadratic rule."""
    read = READERS[reader]

    def seconds(piece: str, size: int) -> float:
        text = piece * (size // len(piece)) + "\x01"
        started = time.process_time()
        with suppress(Error, ValueError):
            read(text)
        return time.process_time() - started

    for piece in PIECES:
        # The larger first, once: only what takes long at all is looked at again.
        if (large := seconds(piece, 400_000)) > _NOTICEABLE:
            small = min(seconds(piece, 40_000) for _ in range(3))
            large = min(large, seconds(piece, 400_000))
            assert large < max(_NOTICEABLE, 40 * small), f"{reader} takes long over {piece!r}"
