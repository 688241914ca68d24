"""Files that name packages still to be solved for: environment.yml, exported lists, lists of specs."""
