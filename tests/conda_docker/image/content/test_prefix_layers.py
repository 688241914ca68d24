"""What the user hears of activation scripts that are in a prefix, and in no package."""

from __future__ import annotations

from pathlib import Path

from conda_docker.build_options import Activate
from conda_docker.image.content.prefix_layers import activation_notes
from conda_docker.prefix.folder import Kind
from conda_docker.prefix.survey import LocalFile, Share, Survey

ROOT = Path("/envs/mine")


def survey(*places: str) -> Survey:
    return Survey(ROOT, ROOT, tuple(LocalFile(place, ROOT / place, Kind.FILE, Share.OWN) for place in places))


def test_own_activation_scripts_are_named() -> None:
    [note] = activation_notes(survey("etc/conda/activate.d/mine.sh", "etc/conda/activate.d/mine.fish"), Activate.AUTO)
    assert note.endswith("an entrypoint alone: mine.sh; --activate entrypoint makes sure of one")


def test_other_files_and_other_modes_are_not_worth_a_word() -> None:
    assert not list(activation_notes(survey("etc/mine.sh"), Activate.AUTO))
    assert not list(activation_notes(survey("etc/conda/activate.d/mine.sh"), Activate.ENTRYPOINT))
