"""The circuit breaker: a provider that suddenly knows nobody any more is wrong about it.

On 14 and 15 December 2020 Gmail answered 550 5.1.1 for live accounts. Whoever believed it lost
their readers. Decides over two figures; keeps no state and lifts no suppression itself.
"""

from datetime import datetime, timedelta

WATCH = timedelta(hours=1)
_LEAST = 10
_ONE_IN = 20


def opens(asked: int, gone: int) -> bool:
    """True when more than 5 % of the RCPTs `asked` at one provider within WATCH came back as
    "address gone", and at least ten of them. Open stays open until a person closes it.
    """
    return gone >= _LEAST and gone * _ONE_IN > asked


def doubted_from(opened_at: datetime) -> datetime:
    """From when on that provider's suppressions are doubted while the breaker is open.

    Those of the hour before it opened belong to it: they are what opened it.
    """
    return opened_at - WATCH
