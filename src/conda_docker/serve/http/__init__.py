"""How a server of images is spoken to: the registry's protocol, the page, and connections."""
