"""The JSON that goes out. Names here are a public promise: extend, do not rename.

Times are ISO 8601 in UTC, durations seconds, shares 0..1. A figure that telemetry cannot
tell is null, never zero.
"""
