"""The figures that /metrics shows. Counts nothing itself."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

from app.db.queues import Said


class Gauges:
    """A registry of its own for each answer: the figures come from rows, not from this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._deliveries = Gauge(
            "feuilleton_deliveries", "Deliveries by state", ["state"], registry=self.registry
        )
        self._halted = Gauge(
            "feuilleton_halted",
            "1 while nothing leaves until a person says so",
            registry=self.registry,
        )

        self._said = Gauge(
            "feuilleton_provider_letters",
            "Letters of the last 24 hours by what the mailbox provider said",
            ["provider", "said"],
            registry=self.registry,
        )
        self._held = Gauge(
            "feuilleton_queues_held",
            "Provider queues that wait for a person",
            registry=self.registry,
        )

    def show(self, by_state: Mapping[str, int], *, halted: bool) -> None:
        """Set the figures."""
        self._halted.set(int(halted))
        for state, count in by_state.items():
            self._deliveries.labels(state=state).set(count)

    def show_providers(self, said: Mapping[str, Said], *, held: int) -> None:
        """Set what providers said, "gone" being a part of "refused"."""
        self._held.set(held)
        for provider, counts in said.items():
            for word in ("accepted", "deferred", "refused", "gone"):
                gauge = self._said.labels(provider=provider, said=word)
                gauge.set(getattr(counts, word))
