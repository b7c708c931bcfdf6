"""Questions: defaults, refusals and what the answers lead to, through every door."""
