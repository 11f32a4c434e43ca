"""The figures that /metrics shows. Counts nothing itself."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge


class Gauges:
    """A registry of its own for each answer: the figures come from rows, not from this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._deliveries = Gauge(
            "feuilleton_deliveries", "Deliveries by state", ["state"], registry=self.registry
        )

    def show(self, by_state: Mapping[str, int]) -> None:
        """Set the figures."""
        for state, count in by_state.items():
            self._deliveries.labels(state=state).set(count)
