"""What holds for every source of a vendor."""

from threading import current_thread, main_thread
from typing import Any

import pytest

from bot.sources import normalise
from bot.sources.kept_attributes import kept

VENDORS = frozenset({"phoenix", "mlflow", "langfuse", "langsmith", "datadog", "tempo", "jaeger"})


@pytest.fixture(autouse=True)
def _beside_the_event_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test of a vendor passes where spans are read on the event loop: thousands of them would hold everybody up."""
    if request.path.stem.removeprefix("test_") not in VENDORS:
        return

    def kept_in_a_thread(*told: Any, **rules: Any) -> Any:
        assert current_thread() is not main_thread(), "spans are read on the event loop"
        return kept(*told, **rules)

    monkeypatch.setattr(normalise, "kept", kept_in_a_thread)
