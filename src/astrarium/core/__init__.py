"""What every room stands on: errors, atomic files, digests, the post-import hook. Imports no torch."""
