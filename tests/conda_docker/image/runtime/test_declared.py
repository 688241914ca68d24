"""Variables that users declare."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conda_docker.build_options import Activate
from conda_docker.image.runtime.declared import declared_variables, notes_on_declared


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/srv/bin:$PATH", "/srv/bin:/own:/bin"),
        ("${PATH}:/last", "/own:/bin:/last"),
        ("$PATHS:$PATH_1:$HOME", "$PATHS:$PATH_1:$HOME"),
        ("/srv/bin", "/srv/bin"),
    ],
)
def test_path_may_refer_to_the_path_of_the_image(value: str, expected: str) -> None:
    assert declared_variables({"PATH": value}, "/own:/bin") == {"PATH": expected}


def test_other_values_are_as_they_are_written() -> None:
    given = {"PASSWORD": "a$PATH", "LD_LIBRARY_PATH": "/x:$LD_LIBRARY_PATH"}
    assert declared_variables(given, "/bin") == given


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"PATH": "/srv/bin"}, "--env 'PATH=/srv/bin:$PATH' keeps"),
        ({"CONDA_PREFIX": "/q"}, "is not where the environment is, /opt/conda"),
        ({"LD_LIBRARY_PATH": "/x:${LD_LIBRARY_PATH}"}, "LD_LIBRARY_PATH ($LD_LIBRARY_PATH) is not replaced"),
        ({"DATA": "$BASE/share"}, "DATA ($BASE) is not replaced"),
        ({"PATH": "$HOME/bin:$PATH"}, "PATH ($HOME) is not replaced"),
    ],
)
def test_what_a_variable_takes_away_is_noted(declared: Mapping[str, str], said: str) -> None:
    (note,) = notes_on_declared(declared, {"BASE": "/base"}, "/opt/conda", Activate.AUTO)
    assert said in note


@pytest.mark.parametrize(
    "declared", [{"PATH": "/srv/bin:$PATH"}, {"PATH": "/opt/conda/bin"}, {"PASSWORD": "a$x$5"}, {"A": "1"}]
)
def test_nothing_is_said_of_others(declared: Mapping[str, str]) -> None:
    assert list(notes_on_declared(declared, {}, "/opt/conda", Activate.AUTO)) == []


def test_secrets_are_not_shown() -> None:
    (note,) = notes_on_declared({"PASSWORD": "hidden$HOME"}, {}, "/opt/conda", Activate.AUTO)
    assert "hidden" not in note
