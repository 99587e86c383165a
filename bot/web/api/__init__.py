"""The JSON API under /api/v1. Imported only when somebody asks for it: it costs a third of a second."""
