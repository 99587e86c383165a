"""The simulated helpdesk: three agents, their tools, their traffic and the faults they can be given.

It is a program of its own. It knows the bot only as any customer's agent would: over OTLP and OFREP.
"""
