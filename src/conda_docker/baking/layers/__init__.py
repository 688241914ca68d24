"""The distinct layers of many images: found or made, and sent."""
