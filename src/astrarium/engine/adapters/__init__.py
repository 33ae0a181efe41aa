"""Adapters as the engine runs them: read from peft's files, held in a bank, applied to the rows that name them."""
