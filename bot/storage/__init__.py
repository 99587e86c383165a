"""Edge: the database. SQLite by default, PostgreSQL by URL, the same code for both."""
