"""The answers: read as Copier reads them, checked as the service will, and what follows."""
