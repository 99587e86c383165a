"""Verbs, in the order of an incident. Each is one file and knows only nouns and ports."""
