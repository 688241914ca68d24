"""How sources of advisories are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import InvalidPolicy
from conda_docker.policy.advisories.sources import AdvisorySource


@pytest.mark.parametrize(
    "text",
    [
        "osv:all.zip",
        "osv:C:\\osv",
        "grype",
        "grype:~/db",
        "pip-audit",
        "pip-audit:pypi",
        "pip-audit:https://osv.test/v1",
    ],
)
def test_a_source_is_written_as_it_was_read(text: str) -> None:
    assert str(AdvisorySource.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("osv", "osv needs to know where its database is: osv:PATH"),
        ("osv:", "expected something after 'osv:'"),
        ("grype:", "expected something after 'grype:'"),
        ("nvd", "'nvd' is not a source of advisories, which are osv:PATH.*; grype.*; pip-audit"),
        ("pip-audit:nobody", "is not one of its services"),
    ],
)
def test_what_is_not_a_source(text: str, message: str) -> None:
    with pytest.raises(InvalidPolicy, match=message):
        AdvisorySource.parse(text)


def test_a_path_alone_is_perhaps_a_database(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match=r"did you mean osv:"):
        AdvisorySource.parse(str(tmp_path))


def test_only_paths_are_rebased() -> None:
    texts = ["osv:a", "grype:a", "grype", "pip-audit:pypi"]
    found = [str(AdvisorySource.parse(text).with_path(lambda path: f"x/{path}")) for text in texts]
    assert found == ["osv:x/a", "grype:x/a", "grype", "pip-audit:pypi"]
