"""Packages, layers and images whose history names them."""

from __future__ import annotations

from conda_docker.environment.activation_script import ActivationScript
from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.environment.packages.wheels import Distribution, LockedWheel
from python_docker.image import Image
from python_docker.image.layer import Layer
from python_docker.spec.documents.image_config import History
from tests.python_docker.registry.contents import opaque_layer

PREFIX = "/opt/my env"
CREATED = "2026-01-31T00:00:00Z"
SHA256, MD5 = 64 * "a", 32 * "b"
ZLIB = package_from_record(
    {
        "name": "zlib",
        "version": "1.3",
        "build": "h_0",
        "url": "https://me:secret@conda.example.org/forge/linux-64/zlib-1.3-h_0.conda",
        "sha256": SHA256,
    }
)
OLD = package_from_record(
    {"name": "old", "version": "1", "build": "0", "url": "https://x.org/c/noarch/old-1-0.tar.bz2", "md5": MD5}
)
SIX = LockedWheel(name="six", version="1.17", url="https://x.org/six-1.17-py3-none-any.whl", sha256=SHA256)
ENVIRONMENT = LockedEnvironment(
    "linux-64",
    (ZLIB, OLD),
    requested=("zlib >=1",),
    variables={"A": "1"},
    scripts=(ActivationScript("a.sh", "export B=2\n"),),
    wheels=(SIX,),
    replaced=(Distribution("six", "1.16", "six-1.16-0"),),
)


def layer(*history: History) -> Layer:
    made = opaque_layer(b"x")
    return Layer(made.blob, made.diff_id, history=history)


def image(*history: History) -> Image:
    made = Image()
    made.layers[:] = [layer(entry) for entry in reversed(history)]
    return made
