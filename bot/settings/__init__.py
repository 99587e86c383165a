"""Settings: read once from the environment and ``firstfive.toml``, then passed on as values.

The environment wins over the file. Names in the file are those of the environment in lower
case without the ``FIRSTFIVE_`` prefix (``port = 8080``; Slack's keep theirs: ``slack_bot_token``).
A secret may come from a file: ``FIRSTFIVE_API_TOKEN_FILE`` names it.
"""
