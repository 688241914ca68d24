"""The code blocks of a Markdown page.

A block with a `title` is a file of that name. A comment `<!-- needs: X -->` before a block says what it takes to run it
that tests do not have.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
GENERATED = ROOT / "docs" / "commands.md"

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)(?P<settings>[^\n`]*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_NEEDS = re.compile(r"^ *<!-- needs: (.+) -->$")
PROGRAMS = ("conda-docker", "conda docker", "python -m conda_docker")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: its language, its text, the line of its first line, and what its page says of it."""

    page: Path
    line: int
    language: str
    text: str
    title: str | None = None
    needs: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> Iterator[str]:
        """Yield the commands of a console session: what follows a prompt, with continuation lines."""
        command: list[str] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                command = [line[2:]]
            elif command:
                command.append(line)
            else:
                continue
            if not command[-1].endswith("\\"):
                yield "\n".join(command)
                command = []


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page, in order."""
    lines = page.read_text().splitlines()
    needs: str | None = None
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if found := _NEEDS.match(line):
            needs = found[1]
            continue
        fence = _FENCE.match(line)
        if fence is None:
            needs = needs if not line.strip() else None
            continue
        start = number
        closing = fence["indent"] + "```"
        while lines[number] != closing:
            number += 1
        text = "\n".join(row.removeprefix(fence["indent"]) for row in lines[start:number]) + "\n"
        number += 1
        title = _TITLE.search(fence["settings"])
        yield Block(page, start + 1, fence["language"], text, title[1] if title else None, needs)
        needs = None


def invocations(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of the program in a shell script or a file that holds one.

    >>> list(invocations("digest=$(conda-docker build -q numpy --push)"))
    [['build', '-q', 'numpy', '--push']]
    """
    joined = _filled(re.sub(r"\\\n\s*", " ", text))
    for line in joined.splitlines():
        command = re.sub(r"\s+#\s.*$", "", line)
        for program in PROGRAMS:
            for found in re.finditer(rf"(?:^|[\s(]){re.escape(program)} (?P<rest>.+?)(?:\)|$)", command):
                rest = re.split(r"\s(?:\||>|&&)\s|;", found["rest"])[0]
                if rest.startswith(("(", ":", "|")):
                    continue
                yield shlex.split(rest)


def _filled(script: str) -> str:
    """Put something into the places of variables."""
    script = script.replace("${{ github.server_url }}", "https://github.com")
    with_digests = re.sub(r"@\$\w+", f"@sha256:{'0' * 64}", script)
    return re.sub(r"\$\{\{.*?\}\}|\$\{\w+\}|\$\w+", "x", with_digests)
