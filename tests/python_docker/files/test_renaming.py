"""Files get their names also where nobody may have them open at that moment, as on Windows (simulated)."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.files import atomic, leftovers, renaming
from python_docker.files.atomic import PartialFile
from python_docker.files.renaming import rename_over


def scanned(monkeypatch: pytest.MonkeyPatch, attempts: int) -> list[Path]:
    """Have files rename as on Windows while another program looks at them: only after this many attempts.

    Returns the list that the attempts are added to.
    """
    tried: list[Path] = []
    rename = Path.replace

    def replace(path: Path, target: Path) -> Path:
        tried.append(path)
        if len(tried) <= attempts:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        return rename(path, target)

    monkeypatch.setattr(renaming, "MUST_BE_CLOSED", True)
    monkeypatch.setattr(atomic, "MUST_BE_CLOSED", True)
    monkeypatch.setattr(Path, "replace", replace)
    return tried


def test_a_file_that_is_open_elsewhere_for_a_moment_is_renamed_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned(monkeypatch, attempts=3)
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "there").write_bytes(b"old")
    rename_over(tmp_path / "new", tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"new"


def test_a_file_that_stays_open_elsewhere_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned(monkeypatch, attempts=10**9)
    monkeypatch.setattr(renaming, "_PATIENCE", 0.05)
    with PartialFile(tmp_path, "there") as partial, pytest.raises(PermissionError):
        partial.file.write(b"new")
        partial.commit(tmp_path / "there")
    assert list(tmp_path.iterdir()) == []


def test_elsewhere_a_refusal_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = scanned(monkeypatch, attempts=3)
    monkeypatch.setattr(renaming, "MUST_BE_CLOSED", False)
    (tmp_path / "new").write_bytes(b"new")
    with pytest.raises(PermissionError):
        rename_over(tmp_path / "new", tmp_path / "there")
    assert len(tried) == 1


def test_files_that_others_are_writing_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_AGE", 3600.0)
    with PartialFile(tmp_path, "theirs"):
        monkeypatch.setattr(leftovers, "_EXISTING", None)  # which is no number: opening one would be an error
        assert leftovers.remove_leftovers(tmp_path) == 0
        assert len(list(tmp_path.iterdir())) == 1
