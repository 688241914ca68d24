"""Print the modules that have no tests of the same name, with the reason; end with 1 where one has neither.

`src/a/b.py` is tested by `tests/a/test_b.py`. A module that is excused here is tested as a part of something else, or
has nothing of its own to test. Each is named: a new module has tests, or whoever adds it says here why it has none.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

EARLIER = "names of earlier releases; tests of the documentation call them as their users did"
VALUES = "names, numbers or a protocol, without logic"

REASONS = {
    EARLIER: """
        conda_docker/conda.py conda_docker/conda_records.py conda_docker/docker/base.py conda_docker/docker/client.py
        conda_docker/docker/tar.py conda_docker/registry/client.py conda_docker/cli/docker_envs.py
        docker_envs/__main__.py docker_envs/conda.py docker_envs/docker/base.py docker_envs/docker/client.py
        docker_envs/registry/client.py python_docker/earlier_tar.py
    """,
    VALUES: """
        conda_docker/doctor/check.py conda_docker/environment/inputs/pip_installed.py
        conda_docker/environment/installed_prefix.py conda_docker/errors.py
        conda_docker/package/fetch/published.py conda_docker/serve/configuration.py python_docker/progress.py
        python_docker/registry/access/places.py
        python_docker/signing/statement.py python_docker/spec/docker_hub.py python_docker/spec/limits.py
        python_docker/transports/medium.py python_docker/version.py
    """,
    "a command, run as users run it by tests named after what it does: cli/commands, verification, serve": """
        conda_docker/__main__.py conda_docker/cli/app.py conda_docker/cli/commands/init.py
        conda_docker/cli/commands/layer_repository.py conda_docker/cli/commands/serve.py
    """,
    "options as they are declared; snapshots of help and errors, and cli/declared/test_values, go through all": """
        conda_docker/cli/options/asked/attachments.py conda_docker/cli/options/asked/build.py
        conda_docker/cli/options/attest.py conda_docker/cli/options/expected.py
        conda_docker/cli/options/bake.py conda_docker/cli/options/common.py conda_docker/cli/options/content.py
        conda_docker/cli/options/declarable.py conda_docker/cli/options/asked/destinations.py
        conda_docker/cli/options/lock.py conda_docker/cli/options/policy.py conda_docker/cli/options/registries.py
        conda_docker/cli/options/runtime.py conda_docker/cli/parameters.py
    """,
    "what commands print; the tests of the commands compare it": """
        conda_docker/cli/terminal/reports/bake.py conda_docker/cli/terminal/reports/build.py
        conda_docker/cli/terminal/reports/image.py conda_docker/cli/terminal/reports/diff.py
        conda_docker/cli/terminal/display.py conda_docker/cli/terminal/reports/dry_run.py
        conda_docker/cli/terminal/reports/result_files.py conda_docker/cli/terminal/reports/verification.py
    """,
    "cli/commands/test_build_declared, on whole projects": """
        conda_docker/cli/declared/bake.py conda_docker/cli/declared/locked.py conda_docker/cli/declared/recorded.py
    """,
    "cli/commands/test_build_dry_run": "conda_docker/dry_run.py",
    "cli/commands/test_build_trust and test_build_sbom, read by the tools that they are for": """
        conda_docker/attestation/attachments.py conda_docker/attestation/buildkit.py
        conda_docker/attestation/existing.py conda_docker/attestation/slsa.py conda_docker/sbom/attachment.py
        conda_docker/attestation/bill_writer.py
    """,
    "cli/commands/test_diff": "conda_docker/comparison/side.py",
    "sbom/test_document, whose results the formats' own libraries read": """
        conda_docker/sbom/cyclonedx.py conda_docker/sbom/inventory.py conda_docker/sbom/spdx.py
    """,
    "verification/test_rebuild and test_differences, on images with one difference each": """
        conda_docker/verification/base.py conda_docker/verification/compare.py
        conda_docker/verification/environment.py conda_docker/verification/own_layer.py
        conda_docker/verification/report.py conda_docker/verification/script_layer.py
        conda_docker/verification/steps.py conda_docker/verification/unverified.py
    """,
    "signing/test_verify, on what cosign keeps": "python_docker/signing/tagged.py",
    "policy/test_check": "conda_docker/pypi/wheel_license.py",
    "the tests of each examination in doctor": "conda_docker/doctor/examination.py",
    "pixi/test_compose and test_pixi_manifest, on whole workspaces": """
        conda_docker/environment/inputs/pixi/current.py
    """,
    "solve/test_rattler, where there is an index": """
        conda_docker/environment/solve/passed_over.py conda_docker/environment/solve/question.py
    """,
    "image/test_assemble, with packages of every kind": """
        conda_docker/image/content/new_layers.py conda_docker/image/content/script_layers.py
    """,
    "layers/stores/test_repository, on repositories that lie": "conda_docker/layers/making/confirmation.py",
    "layers/stores/test_replaced, on images that a build replaces": "conda_docker/image/reuse.py",
    "image/test_image, docker/test_docker: what it gives is theirs": "python_docker/image/files.py",
    "lock_files/test_forms, read back by the readers of each form": """
        conda_docker/lock_files/conda_lock.py conda_docker/lock_files/own.py conda_docker/lock_files/pixi.py
        conda_docker/lock_files/wheel_path.py conda_docker/lock_files/yaml_text.py
    """,
    "sandbox/test_hostile_programs, which runs in a sandbox of each kind": """
        conda_docker/sandbox/bubblewrap.py conda_docker/sandbox/namespaces.py
    """,
    "resolve/test_resolve, with uv": "conda_docker/pypi/resolve/resolution.py",
    "report/test_gather and test_page": "conda_docker/report/contents.py",
    "http/test_client, which sends it": "python_docker/http/body.py",
    "serve/test_page_api and test_registry_api, over HTTP": """
        conda_docker/serve/http/app.py conda_docker/serve/making/images.py conda_docker/serve/metrics.py
        conda_docker/serve/making/planning.py conda_docker/serve/making/posted_locks.py conda_docker/serve/server.py
    """,
    "baking/test_bake and cluster/test_cluster: a stage of a bake, which means something only with the others": """
        conda_docker/baking/assembly.py conda_docker/baking/planned.py conda_docker/baking/preview.py
        conda_docker/baking/local.py conda_docker/baking/result.py conda_docker/baking/running.py
        conda_docker/baking/cluster/here.py
        conda_docker/baking/cluster/tasks.py
        conda_docker/baking/cluster/worker_command.py
        conda_docker/baking/layers/archives.py conda_docker/baking/layers/making.py
        conda_docker/baking/layers/sending.py
        conda_docker/baking/layers/works.py
        conda_docker/baking/solving/pool.py conda_docker/baking/solving/solution.py
        conda_docker/baking/solving/solver.py
        conda_docker/baking/targets/find.py conda_docker/baking/targets/target.py
    """,
}
"""By the reason, or where else they are tested (below `tests/conda_docker` or `tests/python_docker`): modules."""


def unmirrored() -> list[str]:
    """Return the modules without tests of the same name, below `src`."""
    places = (module.relative_to(ROOT / "src") for module in sorted((ROOT / "src").rglob("*.py")))
    return [
        place.as_posix()
        for place in places
        if place.name != "__init__.py" and not (ROOT / "tests" / place.parent / f"test_{place.name}").exists()
    ]


def main(arguments: list[str]) -> int:
    """Print them all, or with `--check` only those without a reason, and the excuses of modules that need none."""
    excused = {module: reason for reason, modules in REASONS.items() for module in modules.split()}
    found = unmirrored()
    problems = [f"{module}: no tests/**/test_{Path(module).name}, and no reason here" for module in found]
    problems = [text for text, module in zip(problems, found, strict=True) if module not in excused]
    problems += [f"{module}: excused, but tested or gone" for module in sorted(excused.keys() - set(found))]
    known = [] if "--check" in arguments else [f"{m}: {excused[m]}" for m in found if m in excused]
    sys.stdout.writelines(f"{line}\n" for line in [*known, *problems])
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
