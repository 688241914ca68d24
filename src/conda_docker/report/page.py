"""render: a report as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files

from conda_docker.report.contents import Report
from python_docker.version import __version__

GENERATOR = '<meta name="generator" content="conda-docker report">'
"""What such a page begins with, and no other."""

_PLACE = re.compile(r"\{\{ (\w+) \}\}")
# What could end the element that the JSON is in, or begin a comment there (HTML, "Restrictions for contents of script
# elements").
_IN_SCRIPT = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def render(report: Report) -> bytes:
    """Return a report as a page in UTF-8; the same report gives the same bytes.

    The value stands in it as JSON, in which nothing can end the element around it, and the page's own Content Security
    Policy lets only its own style and script take effect, by their digests.
    """
    style, script = _part("page.css"), _part("page.js")
    filled = {
        "generator": GENERATOR,
        "policy": (
            f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        ),
        "title": html.escape(report.name),
        "style": style,
        "script": script,
        # In ASCII: names may hold what UTF-8 cannot.
        "report": json.dumps(report.to_json(), separators=(",", ":")).translate(_IN_SCRIPT),
        "version": html.escape(__version__),
    }
    page = _PLACE.sub(lambda match: filled[match[1]], _part("page.html"))
    return page.encode("utf-8", "backslashreplace")


def _part(name: str) -> str:
    return files("conda_docker.report").joinpath(name).read_text(encoding="utf-8")


def _source(content: str) -> str:
    """Return how a policy names an inline style or script (CSP 3, "hash-source")."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
