"""How an image that is asked for is made, kept as facts, and made again."""
