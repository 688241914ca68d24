"""What an image was made from, kept in its history: readable in any medium, without reading a layer."""
