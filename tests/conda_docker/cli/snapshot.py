"""Texts that users read, kept in files so that a change to one shows in a review.

`UPDATE_SNAPSHOTS=1 pytest tests/conda_docker/cli` writes the files anew.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "snapshots"


def assert_matches_snapshot(text: str, name: str) -> None:
    """Compare `text` with the file `name`."""
    path = FOLDER / name
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} differs; UPDATE_SNAPSHOTS=1 writes it anew"
