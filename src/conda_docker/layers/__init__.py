"""From packages to layers: who shares one (`plan`), what its bytes depend on (`recipe`), and making it (`make`)."""
