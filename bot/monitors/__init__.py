"""Verbs that the clock calls."""
