"""Any JSON in the place of any part of a manifest, index or config: an error of ours or a result, never a surprise."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_docker.cli.terminal.output import printable
from conda_docker.cli.terminal.reports.image import (
    artifact_text,
    describe_artifact,
    describe_source,
    describe_written,
    environments_text,
    source_text,
)
from conda_docker.provenance.reading import read_environments
from python_docker.copying.choose import image_of
from python_docker.copying.copy import Conversion, copy_index, copy_manifest
from python_docker.errors import Error
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import OCI_MANIFEST, ImageFormat
from python_docker.streams.compression import Compression
from python_docker.validation import validate_source
from tests.python_docker.in_memory import Kept
from tests.python_docker.making import HELLO, Made, config_of

HISTORY = [
    {"created_by": "conda-docker: a", "comment": "conda packages in /opt/conda:\nhttps://example.org/a-1-0.conda#0123"},
    {"created_by": "conda-docker: environment", "comment": 'conda environment in /opt/conda:\n{"requested": ["a"]}'},
]
RUNTIME = {
    "Env": ["A=1"],
    "Cmd": ["sh"],
    "Labels": {"a": "b"},
    "ExposedPorts": {"80/tcp": {}},
    "User": "1000",
    "WorkingDir": "/",
}
CONFIG = config_of([HELLO, HELLO], history=HISTORY, config=RUNTIME, variant="v8", author="me")

odd = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(10**20, 10**30),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(["\ud800", "\x1b[31m", "\u202e", "", "linux", "x86_64", "sha256:", "a\nb", "\0", OCI_MANIFEST]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["os", "a", "\ud800", "mediaType", "created", "digest"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from paths(child, (*path, key))


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Draw a document with another value, another field, or none, somewhere."""
    whole = {"top": copy.deepcopy(value)}
    for _ in range(draw(st.integers(1, 2))):
        path = ("top", *draw(st.sampled_from(list(paths(whole["top"])))))
        parent: Any = whole
        for key in path[:-1]:
            parent = parent[key]
        if draw(st.booleans()) or path == ("top",):
            parent[path[-1]] = draw(odd)
        elif isinstance(parent, dict):
            name = draw(st.sampled_from(["platform", "artifactType", "subject", "annotations", "urls", "data"]))
            parent[name] = draw(odd)
        else:
            del parent[path[-1]]
    return whole["top"]


def use(made: Made) -> list[str]:
    """Do all that commands do with an image; return what they would print."""
    shown: list[str] = []

    def attempt(call: Callable[[], object]) -> Any:
        try:
            return call()
        except Error as error:
            shown.append(str(error))
            return None

    for problem in validate_source(made).problems:
        shown.append(str(problem))
    root = attempt(made.root)
    if root is None:
        return shown
    image = attempt(lambda: image_of(made))
    shown.append(
        source_text(describe_source("here", None, root, image), []) if image or isinstance(root, Index) else ""
    )
    if image is not None:
        environments = attempt(lambda: read_environments(image))
        for environment in environments or ():
            shown.append(environments_text([environment]) + environment.explicit())
        attempt(lambda: image.copy().config_file)
        attempt(lambda: image.config.environment)
    if isinstance(root, Manifest):
        shown.append(artifact_text("here", None, describe_artifact(root)))
    for conversion in (Conversion(), Conversion(ImageFormat.DOCKER), Conversion(compression=Compression.ZSTD)):
        copied: Callable[..., Manifest | Index] = copy_index if isinstance(root, Index) else copy_manifest
        written = attempt(lambda: copied(made, root, Kept(), conversion=conversion))  # noqa: B023
        if written is not None:
            shown.append(json.dumps(describe_written(written)))
    return shown


def check(shown: list[str]) -> None:
    for text in shown:
        clean = printable(text)
        clean.encode("utf-8")
        assert "\x1b" not in clean
        assert "\u202e" not in clean


@given(changed(CONFIG))
@settings(max_examples=150, deadline=None)
def test_any_config(config: Any) -> None:
    made = Made([HELLO, HELLO])
    made.value["config"] = made.put(json.dumps(config).encode(), ImageFormat.OCI.config_type)
    check(use(made))


@given(changed(Made([HELLO]).value))
@settings(max_examples=150, deadline=None)
def test_any_manifest(value: Any) -> None:
    made = Made([HELLO])
    made.value = value
    check(use(raw(made)))


def index_of(made: Made) -> dict[str, Any]:
    child = made.put(json.dumps(made.value).encode(), OCI_MANIFEST)
    platform = {"os": "linux", "architecture": "amd64", "variant": "v1", "os.features": ["a"]}
    return {"schemaVersion": 2, "manifests": [child | {"platform": platform, "annotations": {"a": "b"}}, child]}


@given(changed(index_of(Made([HELLO]))))
@settings(max_examples=150, deadline=None)
def test_any_index(value: Any) -> None:
    made = Made([HELLO])
    made.put(json.dumps(made.value).encode(), OCI_MANIFEST)
    made.value = value
    check(use(raw(made)))


def raw(made: Made) -> Made:
    """Let the root be read from JSON with escapes, as it would come from a file."""
    from python_docker.spec.documents.manifest import parse_manifest

    content = json.dumps(made.value).encode()
    made.root = lambda: parse_manifest(content)  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [("\x1b[31mred", "\\x1b[31mred"), ("a\u202eb", "a\\u202eb"), ("\ud800", "\\ud800"), ("a\tb\n", "a\tb\n")],
    ids=["escape", "right to left", "surrogate", "tab"],
)
def test_what_is_printed_is_printable(text: str, expected: str) -> None:
    assert printable(text) == expected
