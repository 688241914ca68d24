"""Sandboxes of this machine's own namespaces, made by `enter.py`: for machines without bubblewrap."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from conda_docker.sandbox.view import View
from python_docker.programs import PYTHON_FLAGS

_LONGEST = 1 << 16  # characters; Linux takes no argument of more than 128 KiB


def namespaces_command(python: str, arguments: Sequence[str], view: View) -> list[str]:
    """Return the command line that has `enter.py`, run by `python`, run `arguments` with a view of this machine."""
    plan = {
        "variables": dict(view.variables),
        "ids": [0, 0] if view.root else [os.getuid(), os.getgid()],
        "network": view.network,
        "links": list(view.links()),
        "mounts": [
            *([str(source), place, False] for place, source in view.read_only()),
            *([str(source), place, True] for place, source in sorted(view.writable.items())),
        ],
        "temporary": list(view.temporary),
        "devices": view.devices,
        "working_folder": view.working_folder,
    }
    text = json.dumps(plan)
    pieces = [text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST)]
    return [*by_itself(python, "enter.py"), *pieces, "--", *arguments]


def by_itself(python: str, script: str) -> list[str]:
    """Return the command line that runs a script of this folder with nothing of what is installed with `python`."""
    return [python, *PYTHON_FLAGS, "-S", "-B", str(Path(__file__).with_name(script))]
