"""The script of redis-py: a module for each family of commands."""
