"""What an advisory is called."""

from __future__ import annotations

from conda_docker.policy.advisories.advisory import Advisory


def test_it_is_known_by_all_its_names() -> None:
    assert Advisory("app", "1.0", "PYSEC-1", ("CVE-1",)).names == {"PYSEC-1", "CVE-1"}
