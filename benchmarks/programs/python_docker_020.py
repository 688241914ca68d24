"""Puts a folder into a docker archive with python-docker 0.2.0: `python_docker_020.py FOLDER ARCHIVE`.

Runs in a virtual environment where that release is.
"""

import sys

from python_docker.base import Image

if __name__ == "__main__":
    image = Image("demo", "1")
    image.add_layer_path(sys.argv[1], arcpath="/opt/conda")
    image.write_filename(sys.argv[2])
