"""firstfive: incident response for teams that run LLM agents in production.

The package reads in the order in which an incident happens:
declare, classify, gather evidence, mitigate, update, resolve, review, learn.
"""

__version__ = "0.1.0"
