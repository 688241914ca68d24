"""Channels: configuration, URLs, credentials and tokens, and the rattler client that reads them."""
