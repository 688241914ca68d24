"""Files that depend on what is outside of their environment."""

from __future__ import annotations

import pytest

from conda_docker.prefix.elsewhere import path_elsewhere


@pytest.mark.parametrize(
    ("place", "content", "path"),
    [
        ("lib/x.pth", b"# folders\n/srv/extlib\n", "/srv/extlib"),
        ("lib/x.pth", b"/opt/conda-old\n", "/opt/conda-old"),
        ("lib/x.pth", b"/opt/conda/src/app\nrelative\nimport os\n", None),
        ("bin/x", b"#!/srv/other/bin/python\nimport os\n", "/srv/other/bin/python"),
        ("bin/x", b"#! /srv/other/bin/python3.12 -s", "/srv/other/bin/python3.12"),
        ("bin/x", b"#!/opt/conda/bin/python\n", None),
        ("bin/x", b"#!/usr/bin/python3\n", None),
        ("bin/x", b"#!/usr/bin/env python\n", None),
        ("bin/x", b"#!/bin/sh\n/srv/other/bin/python\n", None),
        ("share/x", b"/srv/extlib\n", None),
    ],
)
def test_paths(place: str, content: bytes, path: str | None) -> None:
    assert path_elsewhere(place, content, "/opt/conda") == path
