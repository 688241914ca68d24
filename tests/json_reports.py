"""Reports of `--json` against what docs/json.md says of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from runpy import run_path
from typing import Any

import jsonschema

from tests.documentation.pages import ROOT

PAGE = ROOT / "docs" / "json.md"

_SCRIPT = run_path(str(ROOT / "scripts" / "json_schema.py"))
definitions: Callable[..., dict[str, Any]] = _SCRIPT["definitions"]
schema: Callable[[], dict[str, Any]] = _SCRIPT["schema"]

_VARIANTS = {"build": ("--dry-run",), "bake": ("--dry-run",), "inspect": ("--layers", "--packages", "--config")}


@cache
def forms() -> dict[str, Any]:
    """Return the documented form of each report, which has no other fields than these, by names."""
    return definitions(PAGE.read_text(encoding="utf-8"), closed=True)


def report_name(words: Sequence[str]) -> str:
    """Return what the page calls the report of a command line.

    >>> report_name(["cache", "info", "--json"]), report_name(["--debug", "build", "--dry-run", "--json"])
    ('cache info', 'build --dry-run')
    """
    named = [word for word in words if not word.startswith("-")]
    command = " ".join(named[:2]) if named[0] == "cache" else named[0]
    return " ".join([command, *(option for option in _VARIANTS.get(command, ()) if option in words)])


def check_report(words: Sequence[str], printed: str) -> None:
    """Raise `jsonschema.ValidationError` for a report that is not as documented."""
    form = {"$ref": f"#/$defs/{report_name(words)}".replace(" ", "%20"), "$defs": forms()}
    jsonschema.Draft202012Validator(form).validate(json.loads(printed))
