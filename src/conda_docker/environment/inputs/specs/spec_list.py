"""Lists of match specs, a line each, as `conda create --file` takes them (conda/cli/common.py, `specs_from_url`)."""

from __future__ import annotations

import re
from pathlib import PurePath

from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.environment.inputs.specs.selectors import comment_selector, selects
from conda_docker.environment.inputs.specs.spelling import as_conda_reads
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.environment.subdirs import host_subdir
from conda_docker.errors import UnsupportedInput
from conda_docker.redaction import public_text

# What pip's users call their files (pip's user guide, "Requirements Files"). conda-build's are called the same.
_REQUIREMENTS = re.compile(r"(?:.*[-_.])?requirements(?:[-_.].*)?\.(?:txt|in)", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!\s)\s+#.*$")
_SPEC = re.compile(r"(?:[^\s\[\]<>=!~;@]+::)?[A-Za-z0-9_][\w.-]*(?:\s*[<>=!~*\[].*|\s+\d.*)?")
# What pip alone understands: options, markers, URLs and paths of packages.
_PIP = re.compile(
    r"-|[A-Za-z0-9][\w.-]*(?:\s*\[[\w\s,.-]*\])?\s*(?:;|@|===)|\S+://|\.{0,2}/|[\w.-]+(?:\s*\[[^\]]*\])?\s*[<>=!~][^;]*;"
)


def parse_spec_list(text: str, file_name: str = "packages.txt", *, subdir: str | None = None) -> EnvironmentSpec:
    """Return the match specs of a list; `file_name` names it in messages.

    Comments may hold selectors, by which `subdir` chooses (None: Linux on this machine's processor). Raises
    `UnsupportedInput` for a line that only pip understands.

    >>> parse_spec_list("# what we need\\nnumpy >=2  # for arrays\\nbioconda::samtools\\n").specs
    ('numpy >=2', 'bioconda::samtools')
    """
    target = subdir or host_subdir()
    specs = []
    warnings = []
    for number, line in enumerate(text.splitlines(), 1):
        spec = _COMMENT.sub("", line).strip()
        if not spec or spec.startswith("#"):
            continue
        if _is_for_pip(spec):
            raise UnsupportedInput(
                f"{file_name}, line {number}: {public_text(spec)[:100]!r} is a requirement for pip, not a conda "
                "package; name the file in the `pip:` section of an environment.yml, as in `- pip: [-r FILE]`"
            )
        selector = comment_selector(line)
        if selector is None or selects(selector, target) is not False:
            read, warning = as_conda_reads(spec, f"{file_name}, line {number}")
            specs.append(read)
            warnings += [warning] if warning else []
    if _REQUIREMENTS.fullmatch(PurePath(file_name).name):
        warnings.append(
            f"{file_name} is read as a list of conda packages; if it is meant for pip, name it in the `pip:` section "
            "of an environment.yml, as in `- pip: [-r FILE]`"
        )
    return EnvironmentSpec(specs=tuple(specs), warnings=tuple(warnings))


def _is_for_pip(spec: str) -> bool:
    return _PIP.match(spec) is not None and "::" not in spec


def _is_spec_list(file: InputFile) -> bool:
    specs = [_COMMENT.sub("", line) for line in file.lines]
    return bool(specs) and all(_is_for_pip(spec) or _SPEC.fullmatch(spec) for spec in specs)


def _read(request: ReadRequest) -> EnvironmentSpec:
    return parse_spec_list(request.text, request.file_name, subdir=request.target)


KIND = InputKind("a list of packages", _is_spec_list, _read)
