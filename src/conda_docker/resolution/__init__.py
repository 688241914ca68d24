"""From what a request asks for to exact packages and a base image."""
