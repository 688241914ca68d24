"""The texts of errors that the command line makes, as reviewed."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.conda_docker.cli.conftest import Run
from tests.conda_docker.cli.snapshot import assert_matches_snapshot

COMMANDS = """\
bild
--nothing
copy oci:a
copy oci:a oci:b oci:c
copy --compresion gzip oci:a oci:b
copy --compression rar oci:a oci:b
copy --compression-level 3 oci:a oci:b
copy --compression gzip --compression-level 13 oci:a oci:b
copy --all --platform linux/arm64 oci:a oci:b
copy --platform
copy --platform 'a b' oci:a oci:b
copy --username me oci:a oci:b
copy missing.tar oci:b
copy demo oci
copy UPPER oci:b
inspect --raw --layers oci:a
inspect --password-stdin oci:a
inspect hello.txt
inspect oci:missing
validate missing.tar
build -o x.tar
build numpy
build -o x.tar -n a numpy
build -o x.tar -n a -p b
build -o x.tar -f missing.yml
build -o x.tar --env A numpy
build -o x.tar --environment test numpy
build -o x.tar --category dev numpy
build -o x.tar --label =1 numpy
build -o x.tar --cmd "'" numpy
build -o x.tar --expose http numpy
build -o x.tar --add nothing numpy
build -o x.tar --add app:relative numpy
build -o x.tar --exclude '[' numpy
build -o x.tar --platform osx-arm64 numpy
build -o x.tar --platform amiga/68k numpy
build -o x.tar --platform linux/amd64,linux/arm64 numpy
build -o x.tar --prefix-in-image opt numpy
build -o x.tar --prefix-in-image / numpy
build -o x.tar --max-layers 126 numpy
build -o x.tar --layering-strategy sinlge numpy
build -o x.tar --compression none --compression-level 1 numpy
build -o x.tar -i UPPER numpy
build -o x.tar -b docker:// numpy
build -o missing/x.tar numpy
build -o x.tar --metadata-file . numpy
build -o x.tar --deny-license AGPL numpy
build -o x.tar --policy missing.toml numpy
build -o x.tar --policy hello.txt numpy
build -o x.tar -b scratch --solver missing numpy
build -o x.tar --virtual-package __cuda numpy
build -o x.tar --virtual-package cuda=new numpy
build -o x.tar -b scratch numpy==
SOURCE_DATE_EPOCH=today build -o x.tar numpy
CONDA_OVERRIDE_CUDA=new build -o x.tar -b scratch numpy
CONDA_DOCKER_REGISTRY_URL=:: build -i demo --push -b scratch numpy
CONDA_DOCKER_PROGRESS=no build -o x.tar numpy
CONDA_DOCKER_CACHE_IMAGE=maybe build -o x.tar numpy
build -o x numpy
cache prune --max-size much
cache prune --older-than soon
cache nothing
"""


def test_errors_are_as_reviewed(conda_docker: Run, tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("hello")
    shown = []
    for line in COMMANDS.splitlines():
        words = shlex.split(line)
        variables = dict(word.split("=", 1) for word in words[:1] if "=" in word)
        result = conda_docker(*words[len(variables) :], env=variables)
        assert result.stdout == ""
        text = result.stderr.replace(str(tmp_path), "/project")
        command = line if not variables else line.replace(" build", " conda-docker build", 1)
        shown.append(f"$ {'' if variables else 'conda-docker '}{command}\n{text}exit code {result.returncode}\n")
    assert_matches_snapshot("\n".join(shown), "errors.txt")
