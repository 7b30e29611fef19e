"""``python -m mobility``: the same as the command ``mobility``."""

from mobility.cli import main

if __name__ == "__main__":
    main()
