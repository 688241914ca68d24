"""Labels that say what an image was made of: from a git checkout, or from a pyproject.toml."""

from conda_docker.source_labels.git import labels_from_git
from conda_docker.source_labels.pyproject import labels_from_pyproject

__all__ = ["labels_from_git", "labels_from_pyproject"]
