"""Names of earlier releases: `from conda_docker.docker.tar import write_tar_from_contents`."""

from __future__ import annotations

from python_docker.earlier_tar import (
    parse_v1,
    write_tar_from_contents,
    write_tar_from_path,
    write_tar_from_paths,
    write_v1,
)

__all__ = ["parse_v1", "write_tar_from_contents", "write_tar_from_path", "write_tar_from_paths", "write_v1"]
