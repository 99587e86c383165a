"""Nouns of an incident. Pure: standard library only, no clock, no input or output."""
