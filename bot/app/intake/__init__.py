"""The way of telemetry into the store: decoded and reduced here or in processes of their own, kept, acknowledged."""
