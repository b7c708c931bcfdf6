"""What a service is built, run and deployed with, held against its own declaration."""
