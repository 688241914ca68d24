"""What the server answers for errors."""

from __future__ import annotations

import pytest

from conda_docker.errors import CacheError, ChannelError, InvalidSpec, PolicyViolated, Unsolvable, WrongPackage
from conda_docker.serve.errors import Denied, answer_to


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (Unsolvable("no numpy"), "MANIFEST_UNKNOWN", 404),
        (InvalidSpec("bad", "bad"), "MANIFEST_UNKNOWN", 404),
        (PolicyViolated("too new"), "DENIED", 403),
        (Denied("no"), "DENIED", 403),
    ],
)
def test_each_error_has_a_code(error: Exception, code: str, status: int) -> None:
    answer = answer_to(error)
    assert (answer.code, answer.status, str(answer)) == (code, status, str(error))


def test_paths_and_surprises_stay_inside() -> None:
    assert "/var/cache" not in str(answer_to(CacheError("the cache /var/cache cannot be written")))
    assert "secret" not in str(answer_to(ValueError("secret")))


def test_what_depends_on_others_is_said_without_their_names() -> None:
    answer = answer_to(ChannelError("https://inner.example.org is gone"))
    assert (answer.code, answer.status) == ("UNAVAILABLE", 503)
    assert "inner" not in str(answer)
    wrong = answer_to(WrongPackage("its sha256 is 123, and should be 456"))
    assert (wrong.code, "123" in str(wrong)) == ("MANIFEST_UNKNOWN", False)
