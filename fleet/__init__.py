"""Many services at once: the demo and the local fleet. Not part of a generated service."""
