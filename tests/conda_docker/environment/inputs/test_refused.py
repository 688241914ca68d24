"""Files that are known and not read are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.kind import InputFile, ReadRequest
from conda_docker.environment.inputs.refused import TOML
from conda_docker.errors import UnsupportedInput


def test_a_toml_file_without_a_table_of_pixi() -> None:
    file = InputFile.of(Path("Cargo.toml"), '[package]\nname = "x"\n')
    assert TOML.detect(file)
    with pytest.raises(UnsupportedInput, match=r"Cargo\.toml is a TOML file, and has no table of pixi"):
        TOML.read(ReadRequest(file=file))


def test_other_files_are_left_to_others() -> None:
    assert not TOML.detect(InputFile.of(Path("environment.yml"), ""))
