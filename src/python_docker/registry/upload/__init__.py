"""Uploads: a blob into a repository, whole, as one PATCH or in chunks (distribution-spec, "Push")."""

from __future__ import annotations

from python_docker.registry.upload.blob import upload_blob
from python_docker.registry.upload.session import Session, mount_blob

__all__ = ["Session", "mount_blob", "upload_blob"]
