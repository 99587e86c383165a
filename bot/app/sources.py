"""The connected sources, as the settings name them. A vendor's file is loaded only where its address is set."""

from dataclasses import astuple, fields
from importlib import import_module
from typing import cast

from bot.ports import Clock, TelemetrySource
from bot.settings.sources import SourcesSettings


def open_sources(settings: SourcesSettings, clock: Clock) -> tuple[TelemetrySource, ...]:
    """Every source with an address. The fields of a source's settings are the arguments of its ``open_source``."""
    found = []
    for place in fields(settings):
        concern = getattr(settings, place.name)
        if concern.url:
            vendor = import_module(f"bot.sources.{place.name}")  # httpx costs 0.1 s, only once something is connected
            found.append(cast(TelemetrySource, vendor.open_source(*astuple(concern), clock)))
    return tuple(found)
