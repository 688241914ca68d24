"""Build options mean what their values say, as on the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from conda_docker.build_options import Activate, BuildOptions, Bytecode, Layering
from conda_docker.errors import MissingOption
from python_docker.errors import InvalidPath
from python_docker.streams.compression import Compression


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("exclude", "*.md", ("*.md",)),
        ("exclude", ["*.md", "*.txt"], ("*.md", "*.txt")),
        ("cmd", "python -m 'my app'", ("python", "-m", "my app")),
        ("cmd", '["a b", "c"]', ("a b", "c")),
        ("cmd", ["python", "-m", "app"], ("python", "-m", "app")),
        ("entrypoint", "", ()),
        ("entrypoint", None, None),
        ("layering", "single", Layering.SINGLE),
        ("bytecode", "never", Bytecode.NEVER),
        ("activate", "env", Activate.ENV),
        ("compression", "zstd", Compression.ZSTD),
        ("expose", 8080, ("8080/tcp",)),
        ("expose", ["53/udp", 80], ("53/udp", "80/tcp")),
        ("env", {"A": 1}, {"A": "1"}),
        ("env", "A=b=c", {"A": "b=c"}),
        ("labels", ["a=1", "b=2"], {"a": "1", "b": "2"}),
        ("user", 1000, "1000"),
        ("prefix", PurePosixPath("/opt/env"), "/opt/env"),
        ("add", "app:/srv/app", ((Path("app"), "/srv/app"),)),
        ("add", [("app", "/srv/app")], ((Path("app"), "/srv/app"),)),
        ("add", {"app": "/srv/app"}, ((Path("app"), "/srv/app"),)),
        ("cache_dir", "/tmp/cache", Path("/tmp/cache")),
    ],
)
def test_values_as_users_write_them(field: str, value: object, meant: object) -> None:
    assert getattr(BuildOptions(**{field: value}), field) == meant  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"layering": "sinlge"}, ValueError, "layering must be one of 'layered', 'single', .*did you mean 'single'"),
        ({"layering": None}, TypeError, "layering must be one of"),
        ({"compression": "lzma"}, ValueError, "compression must be one of"),
        ({"compression": "bzip2"}, ValueError, "compression must be one of 'none', 'gzip', 'zstd', not 'bzip2'"),
        ({"workdir": "srv"}, InvalidPath, "workdir must be an absolute path in the image"),
        ({"workdir": "/a\0"}, InvalidPath, "workdir must be an absolute path in the image"),
        ({"cmd": ["a\0b"]}, ValueError, "cmd must be a command, and no word of one can hold a NUL"),
        ({"exclude": 1}, TypeError, "exclude must be"),
        ({"exclude": [1]}, TypeError, "exclude must be"),
        ({"cmd": "'unfinished"}, ValueError, "cmd must be words as in a shell"),
        ({"cmd": "[1]"}, ValueError, "cmd must be words as in a shell, or a JSON list of strings"),
        ({"cmd": 1}, TypeError, "cmd must be"),
        ({"env": ["A"]}, ValueError, "env: expected NAME=VALUE"),
        ({"env": {"A": "\0"}}, ValueError, "NUL character"),
        ({"env": {"A=B": "x"}}, ValueError, "cannot be a name"),
        ({"env": {"A": None}}, TypeError, "env must map"),
        ({"env": {"A": b"x"}}, TypeError, "env\\['A'\\] must be"),
        ({"expose": "http"}, ValueError, "expose: 'http' is not a valid port"),
        ({"expose": 0}, ValueError, "expose: '0' is not a valid port"),
        ({"add": "app"}, ValueError, "add: expected SRC:DST"),
        ({"add": [("app", "relative")]}, ValueError, "add: the place in the image must be an absolute path"),
        ({"add": [("a", "b", "c")]}, TypeError, "add must be pairs"),
        ({"max_layers": "many"}, TypeError, "max_layers must be a whole number"),
        ({"max_layers": 0}, ValueError, "max_layers must be from 2 to 125"),
        ({"max_layers": 1}, ValueError, "max_layers must be from 2 to 125"),
        ({"max_layers": 2, "add": [("a", "/a")]}, ValueError, "max_layers must be from 3 to 125"),
        ({"user": -1}, ValueError, "user must be a name or a number"),
        ({"user": "no one"}, ValueError, "user must be a name or a number"),
        ({"user": "a:b:c"}, ValueError, "user must be a name or a number"),
        ({"user": 99999999999}, ValueError, "user cannot be '99999999999': the largest number"),
        ({"max_layers": True}, TypeError, "max_layers must be a whole number"),
        ({"workers": 0}, ValueError, "workers must be at least 1"),
        ({"workers": 1.5}, TypeError, "workers must be a whole number"),
        ({"trim": "no"}, TypeError, "trim must be True or False"),
        ({"offline": 1}, TypeError, "offline must be True or False"),
        ({"user": b"x"}, TypeError, "user must be a string"),
        ({"cache_dir": 1}, TypeError, "cache_dir must be a path"),
        ({"user": "1000", "home": "srv/me"}, InvalidPath, "home must be an absolute path"),
        ({"user": "1000", "home": "/srv:me"}, InvalidPath, "home must be an absolute path"),
        ({"user": "1000", "home": "/srv\nroot2:x:0:0::/"}, InvalidPath, "home must be an absolute path"),
        ({"user": "1000", "home": "/srv/../bin/sh"}, InvalidPath, "a folder of the system"),
        ({"user": "1000", "home": "/tmp"}, InvalidPath, "a folder of the system"),
        ({"user": "1000", "home": "/"}, InvalidPath, "a folder of the system"),
        ({"home": "/srv/me"}, MissingOption, "home needs user, whose home folder it is"),
        ({"user_name": "me"}, MissingOption, "user_name needs user, whose name it is"),
        ({"prefix": "opt/conda"}, InvalidPath, "absolute"),
        ({"prefix": "/opt/a:b"}, InvalidPath, "a colon"),
        ({"prefix": "/opt/a\nb"}, InvalidPath, "cannot be printed"),
        ({"compression": "gzip", "compression_level": 99}, ValueError, "99"),
    ],
)
def test_what_cannot_be_meant(fields: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        BuildOptions(**fields)


def test_every_field_is_converted_or_refused() -> None:
    made: Callable[..., BuildOptions] = BuildOptions
    for field in fields(BuildOptions):
        with pytest.raises((TypeError, ValueError), match=field.name.replace("_", "[_ ]")):
            made(**{field.name: object()})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"exclude": ["*.a", "*.b"]}, {"exclude": ["*.b ", "*.a", "*.b"]}),
        ({"workdir": "/srv/app"}, {"workdir": "//srv/./app/"}),
        ({"user": "1000:100"}, {"user": "01000:0100"}),
    ],
)
def test_spellings_of_one_thing_are_one(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert BuildOptions(**one) == BuildOptions(**other)


def test_the_order_of_patterns_counts_where_one_takes_others_back() -> None:
    assert BuildOptions(exclude=("b", "!b/c", "a")).exclude == ("b", "!b/c", "a")
