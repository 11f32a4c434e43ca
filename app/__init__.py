"""Feuilleton: an e-mail course whose author answers everyone. Holds the rooms, does nothing."""
