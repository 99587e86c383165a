"""Edge: telemetry in. One file per format or vendor."""
