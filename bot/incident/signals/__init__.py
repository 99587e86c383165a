"""Signals: one module per concern, each turning readings into figures with their doubt."""
