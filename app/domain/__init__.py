"""Rules: what is allowed, when, and what follows. Standard library only; no clock, no I/O."""
