"""Pages for people: incidents, agents, traces, postmortems."""
