"""Links lead to files, examples in Python compile, and what is generated or complete stays so."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.documentation.pages import GENERATED, PAGES, ROOT, blocks

_LINK = re.compile(r"\]\(([^)\s]+)\)")
FILES = (*ROOT.glob("*.md"), *(ROOT / "src").rglob("*.md"), *(ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_to_files(file: Path) -> None:
    targets = [link.partition("#")[0] for link in _LINK.findall(file.read_text()) if "://" not in link]
    assert [target for target in targets if target and not (file.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_examples_compile(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            compile(block.text, str(block), "exec")


def test_the_page_of_commands_is_up_to_date() -> None:

    made = subprocess.run(
        [sys.executable, "scripts/commands_page.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert made.stdout == GENERATED.read_text(), "`make docs` writes docs/commands.md anew"


@pytest.mark.parametrize("package", ["conda_docker", "python_docker"])
def test_the_reference_has_every_public_name(package: str) -> None:
    text = (ROOT / "docs" / "python-reference.md").read_text()
    names = [name for name in import_module(package).__all__ if not name.startswith("_")]
    assert [name for name in names if f"::: {package}.{name}\n" not in text] == []
