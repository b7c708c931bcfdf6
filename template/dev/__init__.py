"""For development and tests only: what the service talks to, embedded. Not in the image."""
