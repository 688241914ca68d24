"""Print the modules that have no tests of the same name, with the reason; end with 1 where one has neither.

`src/a/b.py` is tested by `tests/a/test_b.py`. What is excused here is tested as a part of something else, or has
nothing of its own to test.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]

EARLIER = "a name of earlier releases, without logic of its own"
VALUES = "a table of names and numbers, or a protocol"
COMMANDS = "seen by the tests of the commands, and by snapshots of help and errors"
WHOLE = "a stage that means something only with the others: "

REASONS = {
    "*/__main__.py": EARLIER,
    "docker_envs/*": EARLIER,
    "conda_docker/docker/*": EARLIER,
    "conda_docker/registry/*": EARLIER,
    "conda_docker/cli/docker_envs.py": EARLIER,
    "conda_docker/conda.py": "a name of earlier releases: test_documented_builds",
    "conda_docker/conda_records.py": "a name of earlier releases: test_documented_builds",
    "python_docker/earlier_tar.py": "a name of earlier releases: image/test_earlier",
    "python_docker/version.py": VALUES,
    "python_docker/progress.py": VALUES,
    "python_docker/spec/docker_hub.py": VALUES,
    "python_docker/spec/limits.py": VALUES,
    "python_docker/transports/medium.py": VALUES,
    "conda_docker/package/fetch/published.py": VALUES,
    "conda_docker/errors.py": "the tree of errors: python_docker/test_errors",
    "conda_docker/cli/*": COMMANDS,
    "conda_docker/dry_run.py": "cli/commands/test_build_dry_run",
    "conda_docker/resolution/describe.py": "test_request, resolution/test_resolve",
    "conda_docker/doctor/*": "the tests of each examination in tests/conda_docker/doctor",
    "conda_docker/environment/inputs/lock_files/index_record.py": "test_pixi_lock, against rattler's own reader",
    "conda_docker/environment/inputs/pixi/*": "pixi/test_compose and test_pixi_manifest, on whole workspaces",
    "conda_docker/environment/installed_prefix.py": "inputs/test_installed, inputs/test_prefix",
    "conda_docker/environment/solve/passed_over.py": "solve/test_rattler, where there is an index",
    "conda_docker/image/*": WHOLE + "image/test_assemble, test_image, test_preview",
    "conda_docker/layers/settle.py": WHOLE + "layers/test_make",
    "conda_docker/layers/pipeline.py": WHOLE + "layers/test_make",
    "conda_docker/package/fetch/download.py": "fetch/test_fetch, from a server that breaks off",
    "conda_docker/package/fetch/partial_download.py": "fetch/test_fetch, from a server that breaks off",
    "conda_docker/pypi/resolve/resolution.py": "resolve/test_resolve, with uv",
    "conda_docker/pypi/*": "resolve/test_resolve and pypi/test_image, with uv",
    "conda_docker/prefix/*": "test_real_prefix, and the tests of the room",
    "conda_docker/cache/kept_blob.py": "image/test_base, layers/stores/test_repository",
    "conda_docker/sbom/*": WHOLE + "sbom/test_document, whose results the formats' own libraries read",
    "conda_docker/attestation/*": WHOLE + "the tests of the commands that attach and read them",
    "conda_docker/verification/*": WHOLE + "verification/test_rebuild",
    "conda_docker/policy/*": WHOLE + "policy/test_check, policy/test_rules",
    "conda_docker/comparison/*": WHOLE + "the tests of the command that compares",
    "conda_docker/lock_files/*": "lock_files/test_forms, read back by our own readers",
    "conda_docker/report/contents.py": VALUES,
    "conda_docker/serve/app.py": WHOLE + "serve/test_registry_api, serve/test_page_api",
    "conda_docker/serve/images.py": WHOLE + "serve/test_registry_api",
    "conda_docker/serve/metrics.py": "serve/test_page_api",
    "conda_docker/serve/planning.py": "serve/test_page_api",
    "conda_docker/serve/posted_locks.py": "serve/test_page_api",
    "conda_docker/serve/server.py": WHOLE + "serve/test_registry_api, serve/test_page_api",
    "python_docker/signing/*": WHOLE + "signing/test_bundle, signing/test_keyless",
    "python_docker/docker/loading.py": "docker/test_api, with an engine in memory",
    "python_docker/docker/registry_auth.py": "docker/test_api, docker/test_command",
    "python_docker/image/files.py": "image/test_image, docker/test_docker",
    "python_docker/registry/session.py": "test_authentication, test_faults, test_hostile: nothing without a registry",
    "python_docker/registry/referrers.py": "registry/test_medium, with registries that know them and that do not",
    "python_docker/registry/places.py": "registry/test_medium",
    "python_docker/validation/*": WHOLE + "validation/test_validation, an image with one fault at a time",
}


def unmirrored() -> dict[str, str | None]:
    """Return the modules without tests of the same name, each with the reason, or None."""
    found = {}
    for module in sorted((ROOT / "src").rglob("*.py")):
        place = module.relative_to(ROOT / "src")
        if place.name == "__init__.py" or (ROOT / "tests" / place.parent / f"test_{place.name}").exists():
            continue
        name = place.as_posix()
        found[name] = next((reason for pattern, reason in REASONS.items() if fnmatch(name, pattern)), None)
    return found


def main() -> int:
    """Print them, and the patterns of the table that excuse nothing any more."""
    found = unmirrored()
    for name, reason in found.items():
        sys.stdout.write(f"{name}: {reason or 'NO TESTS OF THIS NAME, AND NO REASON'}\n")
    for pattern in REASONS:
        if not any(fnmatch(name, pattern) for name in found):
            sys.stderr.write(f"{pattern}: excuses nothing any more\n")
    return int(None in found.values())


if __name__ == "__main__":
    sys.exit(main())
