"""`python -m astrarium`: the command line."""

from astrarium.cli import main

if __name__ == "__main__":
    main()
