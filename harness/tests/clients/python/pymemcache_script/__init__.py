"""The script of pymemcache: a module for what the protocol has, one for what the client builds on it."""
