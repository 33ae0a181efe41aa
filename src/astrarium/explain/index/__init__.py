"""What the installed transformers and peft have: names, parameters and summaries, read from their sources."""
