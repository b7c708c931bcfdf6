"""Keeps services current: their `make update` and its like run this, from the newest template."""
