"""What is known of one package: its URL, its record, its match spec, its place among others; and wheels."""
