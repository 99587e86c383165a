"""The HTTP edge, from outside."""
