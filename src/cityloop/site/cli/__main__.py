"""Lets `python -m cityloop.site.cli` be the command line."""

import sys

from cityloop.site.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
