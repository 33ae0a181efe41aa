"""The benches, one file each; `BENCH` is what a file is about."""
