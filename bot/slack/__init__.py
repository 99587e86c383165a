"""Edge: Slack. Commands, actions, views, blocks and the room."""
