"""The example for Kubernetes: valid by Kubernetes' schemas, its parts fit together, and its server may do little."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from conda_docker.serve.configuration_file import configuration_of
from tests.documentation.pages import ROOT, blocks

EXAMPLE = ROOT / "docs" / "examples" / "serve-kubernetes.yaml"
GUIDE = ROOT / "docs" / "guides" / "images-on-demand.md"
OBJECTS: dict[str, dict[str, Any]] = {each["kind"]: each for each in yaml.safe_load_all(EXAMPLE.read_text())}
POD = OBJECTS["Deployment"]["spec"]["template"]
[CONTAINER] = POD["spec"]["containers"]


@pytest.mark.parametrize("kind", OBJECTS)
def test_it_is_valid(kind: str) -> None:
    kubernetes_validate.validate(OBJECTS[kind], "1.30", strict=True)


def test_its_parts_name_each_other() -> None:
    labels = POD["metadata"]["labels"]
    assert OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert OBJECTS["Service"]["spec"]["selector"] == labels
    volumes = {volume["name"]: volume for volume in POD["spec"]["volumes"]}
    assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == volumes.keys()
    assert volumes["configuration"]["configMap"]["name"] == OBJECTS["ConfigMap"]["metadata"]["name"]
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == OBJECTS["PersistentVolumeClaim"]["metadata"]["name"]
    [port], [service_port] = CONTAINER["ports"], OBJECTS["Service"]["spec"]["ports"]
    assert port["name"] == service_port["targetPort"]
    assert str(port["containerPort"]) in CONTAINER["command"]


def test_it_runs_as_an_ordinary_user_with_a_read_only_root() -> None:
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    own = CONTAINER["securityContext"]
    assert (own["readOnlyRootFilesystem"], own["allowPrivilegeEscalation"]) == (True, False)
    assert own["capabilities"] == {"drop": ["ALL"]}
    [home] = [variable["value"] for variable in CONTAINER["env"] if variable["name"] == "HOME"]
    assert home in {mount["mountPath"] for mount in CONTAINER["volumeMounts"] if not mount.get("readOnly")}


def test_its_configuration_is_one_of_the_server_and_fits_on_the_volume() -> None:
    [(name, text)] = OBJECTS["ConfigMap"]["data"].items()
    configuration = configuration_of(tomllib.loads(text), Path())
    [mount] = [mount["mountPath"] for mount in CONTAINER["volumeMounts"] if mount["name"] == "configuration"]
    assert f"{mount}/{name}" in CONTAINER["command"]
    claimed = OBJECTS["PersistentVolumeClaim"]["spec"]["resources"]["requests"]["storage"]
    assert configuration.limits.disk_bytes is not None
    assert configuration.limits.disk_bytes < int(claimed.removesuffix("Gi")) << 30
    [rule] = OBJECTS["Ingress"]["spec"]["rules"]
    assert rule["host"] == configuration.public_url


def test_the_guide_shows_it() -> None:
    [block] = [block for block in blocks(GUIDE) if block.title == EXAMPLE.name]
    assert block.text == EXAMPLE.read_text()
