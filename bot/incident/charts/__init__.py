"""Pictures as Vega-Lite specs (https://vega.github.io/vega-lite/docs/), one source for Slack, pages and documents.

Each chart carries the same figures in words as alternative text.
"""
