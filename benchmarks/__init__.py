"""Speed and memory of conda-docker beside other tools, measured in one run: `make bench`."""
