"""The conformance suite of the distribution specification, its part on pulling, where the program is on this machine.

CONTRIBUTING.md says how to build it. Its options say what there is to pull, and that nothing can be pushed.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.conda_docker.serve.running import RunningServer, server, start_server

__all__ = ["server", "start_server"]

VARIABLE = "CONDA_DOCKER_TEST_CONFORMANCE"
PROGRAM = os.environ.get(VARIABLE, "")


@pytest.mark.skipif(not PROGRAM, reason=f"{VARIABLE} does not name the program")
def test_all_that_can_be_pulled_is_as_the_specification_says(server: RunningServer, tmp_path: Path) -> None:
    name = "click/flask"
    with httpx2.Client(base_url=f"http://{server.host}/v2/{name}", timeout=120) as client:
        index = client.get("/manifests/latest")
        manifests = [entry["digest"] for entry in index.json()["manifests"]]
        documents = [client.get(f"/manifests/{digest}").json() for digest in manifests]
    blobs = [blob["digest"] for document in documents for blob in (document["config"], *document["layers"])]
    options = {
        "REGISTRY": server.host,
        "TLS": "disabled",
        "REPO1": name,
        "RESULTS_DIR": str(tmp_path),
        "API_PUSH": "false",
        "API_BLOBS_DELETE": "false",
        "API_MANIFESTS_DELETE": "false",
        "API_TAGS_DELETE": "false",
        "API_BLOBS_DIGEST_HEADER": "true",
        "RO_DATA_TAGS": "latest",
        "RO_DATA_MANIFESTS": " ".join([index.headers["Docker-Content-Digest"], *manifests]),
        "RO_DATA_BLOBS": " ".join(blobs),
        "RO_DATA_REFERRERS": " ".join(manifests),
    }
    ended = subprocess.run(
        [PROGRAM],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **{f"OCI_{key}": value for key, value in options.items()}},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # Not its exit code: having printed its results, commit 967efdc crashes on writing those of read-only data as YAML.
    said = ended.stdout
    counts = {word: int(count) for word, count in re.findall(r"^ +(\w+)\.*: +(\d+)$", said, re.MULTILINE)}
    assert (counts["Skip"], counts["FAIL"], counts["Error"]) == (0, 0, 0), said
    assert counts["Pass"] > 30, said
    for what in ("Tag listing", "Blob get", "Blob head", "Manifest get by digest", "Manifest head by tag", "Referrers"):
        assert re.search(rf"^ +{what}\.*: +Pass$", said, re.MULTILINE), said
