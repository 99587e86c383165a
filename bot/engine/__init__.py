"""Edge: the clock, identifiers and durable jobs."""
