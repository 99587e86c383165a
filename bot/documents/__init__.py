"""Edge: YAML catalogue and runbooks in, charts and postmortems out."""
