"""`make bench`: everything, or what ONLY names (speed, memory, claims, waiting)."""

import logging
import os

import structlog

from tests.bench import claims, memory, speed, waiting

PARTS = {"speed": speed, "memory": memory, "claims": claims, "waiting": waiting}

if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for name in os.environ.get("ONLY", ",".join(PARTS)).split(","):
        PARTS[name].main()
