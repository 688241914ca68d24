"""The layers that an image gets on its base, one module for each kind of what is in them."""
