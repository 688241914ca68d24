"""What an image's config may not say."""

from __future__ import annotations

from typing import Any

import pytest

from python_docker.spec.digest import Digest
from python_docker.validation import Severity, validate_source
from tests.python_docker.making import HELLO, MORE, Made, config_of
from tests.python_docker.validation.problems import (
    ERROR,
    WARNING,
    has,
    told,
)


@pytest.mark.parametrize(
    ("fields", "severity", "text"),
    [
        ({"created": "yesterday"}, ERROR, "created is 'yesterday'"),
        ({"history": [{"created": "2020-01-01"}]}, ERROR, "created of history entry 1"),
        ({"history": [{}, {}]}, ERROR, "Docker refuses more than 1"),
        ({"history": [{"empty_layer": True}]}, WARNING, "0 entries that made a layer, but there are 1 layers"),
        (
            {"rootfs": {"type": "layers", "diff_ids": []}},
            ERROR,
            "(0) and the manifest's layers (1) must match",
        ),
        ({"rootfs": {"type": "other", "diff_ids": [Digest.of(HELLO)]}}, ERROR, "'other', not 'layers'"),
        ({"rootfs": {"diff_ids": [Digest.of(HELLO)]}}, ERROR, "rootfs has no type"),
        ({"rootfs": {"type": "layers", "diff_ids": [Digest.of(MORE)]}}, ERROR, "the digest of its tar is"),
        ({"rootfs": {"type": "layers", "diff_ids": ["x"]}}, ERROR, "malformed"),
        ({"architecture": ""}, ERROR, "does not name the architecture"),
        ({"os": ""}, ERROR, "does not name the os"),
        ({"Created": "2020-01-01T00:00:00Z"}, ERROR, "the field 'Created' is 'created' to some tools"),
        ({"config": {"Env": "A=1"}}, ERROR, "Env is not a list of strings"),
        ({"config": {"Env": [1]}}, ERROR, "Env is not a list of strings"),
        ({"config": {"Env": ["foo"]}}, ERROR, "Env holds 'foo', which is not NAME=VALUE"),
        ({"config": {"Env": ["=foo"]}}, ERROR, "Env holds '=foo', which is not NAME=VALUE"),
        ({"config": {"Cmd": "sh"}}, WARNING, "Cmd is a string"),
        ({"config": {"Cmd": {}}}, ERROR, "Cmd is not a list"),
        ({"config": {"Labels": ["a"]}}, ERROR, "Labels is not an object"),
        ({"config": {"Labels": {"a": 1}}}, ERROR, "the label 'a' is not a string"),
        ({"config": {"ExposedPorts": {"http": {}}}}, ERROR, "'http', which is not a valid port"),
        ({"config": {"ExposedPorts": {"99999/tcp": {}}}}, ERROR, "'99999/tcp', which is not a valid port"),
        ({"config": {"Volumes": ["/data"]}}, ERROR, "Volumes is not an object"),
        ({"config": {"User": 5}}, ERROR, "User is not a string"),
        ({"config": {"WorkingDir": "here"}}, WARNING, "'here', which is not an absolute path"),
        ({"config": []}, ERROR, "malformed"),
        ({"config": {"ExposedPorts": {"80/tcp": "open"}}}, ERROR, "ExposedPorts holds something other than empty"),
        ({"config": {"Volumes": {"/data": None}}}, ERROR, "Volumes holds something other than empty objects"),
        ({"config": {"ArgsEscaped": "yes"}}, ERROR, "ArgsEscaped is neither true nor false"),
        ({"config": {"Env": ["A=" + "x" * 131_070]}}, WARNING, "longer than the 131071 bytes that Linux takes"),
        ({"config": {"Tty": "true"}}, ERROR, "Tty is neither true nor false"),
        ({"config": {"StopTimeout": "5"}}, ERROR, "StopTimeout is not a whole number of seconds"),
        ({"config": {"Healthcheck": ["curl"]}}, ERROR, "Healthcheck is not an object"),
        ({"config": {"Healthcheck": {"Test": "curl"}}}, ERROR, "Healthcheck.Test is not a list of strings"),
        ({"config": {"Healthcheck": {"Test": ["CMD", "a"], "Interval": "30s"}}}, ERROR, "Healthcheck.Interval is not"),
        ({"config": {"Healthcheck": {"Retries": 1.5}}}, ERROR, "Healthcheck.Retries is not a whole number"),
        ({"config": {"Shell": "bash"}}, WARNING, "Shell is a string, which is taken as one word"),
        ({"os.version": 10}, ERROR, "malformed at 'os.version'"),
        ({"os.features": "win32k"}, ERROR, "malformed at 'os.features"),
        ({"variant": 8}, ERROR, "malformed at 'variant'"),
    ],
)
def test_what_a_config_may_not_say(fields: dict[str, Any], severity: Severity, text: str) -> None:
    report = validate_source(Made(config={**config_of([HELLO]), **fields}))
    assert has(report, severity, text), told(report)
    assert report.ok is (severity is WARNING), told(report)
    assert all("config sha256:" in str(problem) or "layer 1 of 1" in str(problem) for problem in report.problems)
