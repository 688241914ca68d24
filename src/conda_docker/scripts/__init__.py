"""Scripts of packages: link scripts and activation scripts, run in a sandbox on the merged files of an image."""
