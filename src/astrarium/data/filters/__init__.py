"""What rows are dropped for: their licence, a secret, a benchmark's task in them, a row that says nearly the same."""
