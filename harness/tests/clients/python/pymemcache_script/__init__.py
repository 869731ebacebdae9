"""The script of pymemcache: what the protocol has, and what the client builds on it."""
