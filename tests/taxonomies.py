"""The taxonomy that comes along, as tests use it."""

from bot.documents.taxonomy import read_taxonomy

KNOWN = read_taxonomy()
TAXONOMY = KNOWN.taxonomy
CLASSES = tuple(TAXONOMY.classes)
QUESTIONS = tuple(TAXONOMY.questions)
