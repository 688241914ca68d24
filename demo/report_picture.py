"""`python -m demo.report_picture`: docs/report.png, the page of `conda-docker report` for the demonstration.

Takes Chromium, as the tests of the page do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.base import make_base
from demo.channel import ROOT, make_channel
from tests.peers import start_browser

PICTURE = ROOT.parent / "docs" / "report.png"

_WIDTH, _HEIGHT = 1180, 1010  # CSS pixels: down to the first packages


def main() -> None:
    """Build two images, and write a picture of the second compared with the first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # What the channel is called here is what the page shows.
        (folder / "channel").symlink_to(make_channel().folder)
        environment = {
            "HOME": name,
            "CONDA_DOCKER_CACHE": str(folder / "cache"),
            "PATH": os.environ["PATH"],
        }
        (folder / ".condarc").write_text(json.dumps({"channels": [(folder / "channel").as_uri()]}))

        def run(*words: str) -> None:
            program = [sys.executable, "-m", "conda_docker"]
            subprocess.run([*program, *words], cwd=folder, env=environment, check=True)

        build = ("build", "-q", "-b", f"oci:{make_base()}", "--cmd", "flask run", "--expose", "5000")
        run(*build, "-i", "demo:1.0", "-o", "oci:images:1.0", "python", "numpy", "flask")
        run(*build, "-i", "demo:1.1", "-o", "demo.tar", "python", "numpy", "numba", "flask")
        run("report", "demo.tar", "--against", "oci:images:1.0")
        browser = start_browser(folder / "browser")
        try:
            page = browser.open((folder / "report.html").as_uri(), width=_WIDTH, height=_HEIGHT)
            PICTURE.write_bytes(page.screenshot())
        finally:
            browser.stop()


if __name__ == "__main__":
    main()
