"""The simulated helpdesk agent and the local workspace that the demo starts."""
