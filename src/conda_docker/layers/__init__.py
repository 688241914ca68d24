"""From packages to layers: who shares one (`plan`), how one is written (`write`), and which exist (`cache`)."""
