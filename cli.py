"""Run the command line from a checkout: ``python cli.py feed info FEED``."""

from mobility.cli import main

if __name__ == "__main__":
    main()
