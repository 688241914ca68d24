"""`python -m demo.picture`: docs/terminal.svg, a terminal with what conda-docker really printed.

An image is built twice from the channel and the base of the demonstration, the first time with an empty cache.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from demo.base import make_base
from demo.channel import ROOT, make_channel

PICTURE = ROOT.parent / "docs" / "terminal.svg"

_ENVIRONMENT = "dependencies:\n  - python\n  - numpy\n  - numba\n  - flask\n"
_SESSION = (
    "cat environment.yml",
    "conda-docker build -f environment.yml -i demo:1.0 -o demo.tar",
    "conda-docker build -f environment.yml -i demo:1.0 -o demo.tar   # again",
)
# As rich has it, without the fonts that it would have a browser fetch from another host.
_TEMPLATE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
  <style>
    .{unique_id}-matrix {{
      font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
      font-size: {char_height}px;
      line-height: {line_height}px;
    }}
    {styles}
  </style>
  <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
  </defs>
  {chrome}
  <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">{matrix}</g>
  </g>
</svg>
"""


def main() -> None:
    """Build, and write the picture."""
    console = Console(record=True, width=84, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = _user(Path(folder))
        for command in _SESSION:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            shown = subprocess.run(
                ["/bin/sh", "-c", _real(command)], cwd=folder, env=environment, stdout=subprocess.PIPE, check=True
            )
            console.print(Text(shown.stdout.decode()), highlight=False)
    PICTURE.write_text(console.export_svg(title="conda-docker", code_format=_TEMPLATE, unique_id="terminal"))


def _user(home: Path) -> dict[str, str]:
    """Return the environment variables of a user whose conda knows this channel, with files in the folder `home`."""
    (home / ".condarc").write_text(json.dumps({"channels": [make_channel().url]}))
    (home / "environment.yml").write_text(_ENVIRONMENT)
    return {
        "HOME": str(home),
        "CONDA_DOCKER_CACHE": str(home / "cache"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


def _real(command: str) -> str:
    """Return a command with the base that needs no registry."""
    return command.replace("build ", f"build -b oci:{make_base()} ")


if __name__ == "__main__":
    main()
