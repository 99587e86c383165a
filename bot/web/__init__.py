"""Edge: HTTP. Slack's endpoint, OTLP, OFREP, the JSON API and the pages."""
