"""Which files describe what a request asks for."""

from __future__ import annotations

from pathlib import Path

from conda_docker.request import Request
from conda_docker.resolution.described_in import described_in


def test_files_that_a_file_names_are_described_in_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("b\n-c constraints.txt\n")
    (tmp_path / "constraints.txt").write_text("b<2\n")
    file = tmp_path / "environment.yml"
    file.write_text("dependencies: [a, pip: [-r requirements.txt]]\n")
    assert described_in(Request(files=(file,))) == (
        file.read_text(),
        "b\n-c constraints.txt\n",
        "b<2\n",
    )
    assert described_in(Request(specs=("a",))) == ()
