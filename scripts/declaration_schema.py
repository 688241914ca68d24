"""Print the JSON schema of conda-docker.toml, from the table of options that `conda-docker build` has.

python scripts/declaration_schema.py > src/conda_docker/cli/declared/conda-docker.schema.json
"""

from __future__ import annotations

import json
import sys

from conda_docker.cli.declared.schema import schema

if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
