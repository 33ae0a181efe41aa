"""`python -m astrarium.cli`, as `torchrun -m astrarium.cli` starts it: the command line."""

from astrarium.cli import main

if __name__ == "__main__":
    main()
