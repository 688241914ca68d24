"""Requests that nobody sends who means well: none is answered with a failure, a path of the server, or late."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conda_docker.serve.configuration import Limits
from tests.conda_docker.serve.conftest import Start
from tests.conda_docker.serve.http.test_registry_api import error_of, get, layers_of

NO_RATES = Limits(builds_per_minute=10**6, requests_per_minute=10**6)

pieces = st.one_of(
    st.sampled_from(
        ["tool", "text-1", "env", "lock", "..", ".", "", "latest", "sha256:" + "0" * 64, "v2", "manifests"]
    ),
    st.text(max_size=20),
    st.from_regex(r"[a-z0-9]+(--?[a-z0-9.]+)*", fullmatch=True),
)
paths = st.one_of(
    st.builds("/v2/{}/{}/{}".format, pieces, st.sampled_from(["manifests", "blobs", "tags", "referrers"]), pieces),
    st.builds("/v2/{}/{}/manifests/{}".format, pieces, pieces, pieces),
    st.lists(pieces, max_size=5).map(lambda parts: "/" + "/".join(parts)),
)
queries = st.dictionaries(st.sampled_from(["package", "name", "tag", "platform", "n", "last"]), pieces, max_size=4)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
headers = st.dictionaries(
    st.sampled_from(["Host", "Range", "If-None-Match", "Accept", "Authorization", "X-Forwarded-For", "Expect"]),
    st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "S"]), max_size=30),
    max_size=3,
)


def test_whatever_is_asked_is_answered(start: Start, tmp_path: Path) -> None:
    client = start(limits=NO_RATES)

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(methods, paths, queries, headers)
    def ask(method: str, path: str, query: dict[str, str], sent: dict[str, str]) -> None:
        asked = "/v1/plan" if query and "n" not in query else quote(path, safe="/%")
        # Two slashes at the start would be a host.
        answer = client.request(
            method,
            f"http://testserver{asked}",
            params=query,
            headers={name.encode(): value.encode("latin-1") for name, value in sent.items()},
        )
        assert answer.status_code < 500, answer.text
        assert str(tmp_path) not in answer.text

    ask()


@pytest.mark.parametrize("platform", ["linux/%00", "a/" * 1000, "", "linux/amd64/v8/x"])
def test_a_platform_that_is_none(start: Start, platform: str) -> None:
    assert error_of(start().get(f"/v1/plan?package=tool&platform={platform}"))[:2] == (400, "NAME_INVALID")


def test_a_path_has_one_line_in_the_log(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        start().get("/v2/tool/blobs/sha256:%0Aerror: everything is lost")
    assert "everything" in caplog.text
    assert not any(line.startswith("error:") for line in caplog.text.splitlines())


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 400), ("none", 400)]
)
def test_pages_of_other_sites_post_nothing(start: Start, site: str, status: int) -> None:
    headers = {"Sec-Fetch-Site": site, "Content-Type": "text/plain"}
    assert start().post("/v1/locks", content="no lock file", headers=headers).status_code == status


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
def test_what_somebody_has_already_in_all_spellings(start: Start, known: str) -> None:
    client = start()
    layer = layers_of(client, "tool")[0]["digest"]
    path = f"/v2/tool/blobs/{layer}"
    tag = get(client, path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": known.format(tag)}).status_code == 304
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_tags_come_in_pages(start: Start) -> None:
    client = start()
    get(client, "/v2/text/manifests/latest")
    asked = {
        "": ["latest"],
        "?n=0": [],
        "?n=1": ["latest"],
        "?last=latest": [],
        "?n=-1": ["latest"],
        "?n=1e9": ["latest"],
    }
    for query, tags in asked.items():
        assert get(client, f"/v2/text/tags/list{query}").json()["tags"] == tags
