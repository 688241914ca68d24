"""Docker's archives, and the engines that load and save them."""
