"""What the user hears of a survey: one note for each kind of finding."""

from __future__ import annotations

from pathlib import Path

from conda_docker.prefix.editable import Source
from conda_docker.prefix.folder import Kind
from conda_docker.prefix.survey import LocalFile, Share, Survey
from conda_docker.prefix.survey_notes import notes_of

ROOT = Path("/envs/mine")


def file(place: str, share: Share) -> LocalFile:
    return LocalFile(place, ROOT / place, Kind.FILE, share)


def test_a_prefix_of_packages_alone_is_not_worth_a_word() -> None:
    assert list(notes_of(Survey(ROOT, ROOT, (file("a", Share.PIP),)))) == []


def test_one_file_and_many() -> None:
    own = tuple(file(f"own{number}", Share.OWN) for number in range(7))
    notes = list(notes_of(Survey(ROOT, ROOT, (file("etc/x", Share.CHANGED), *own))))
    assert notes == [
        "7 files of the prefix that no package brings are copied: own0, own1, own2, own3, own4 and 2 more",
        "1 file that differs from its package is copied as it is: etc/x",
    ]


def test_what_is_copied_and_what_is_not() -> None:
    source = Source("app", Path("/home/me/app"), Path("/home/me/app"), "src/app")
    survey = Survey(
        ROOT,
        ROOT,
        (),
        deleted=("bin/gone",),
        withheld=(".netrc",),
        skipped=("envs",),
        sources=(source,),
        pip=("app==1", "egg==2"),
    )
    assert list(notes_of(survey)) == [
        "pip packages that are copied as they are, since no wheel holds the same files: egg==2",
        "app is installed in place: its folder /home/me/app is copied to src/app",
        "deleted, as they are missing from the environment: bin/gone",
        "left out for the credentials in them: .netrc; --add can add them",
        "left out, as other environments: envs",
    ]
