"""The outgrow command with other sizes and deadlines: `python tuned.py migration.copying.CHUNK_ROWS=40 copy FILE …`.

Every argument up to the first that is not `module.NAME=number` sets a constant of the package; everything else is the
real command, with its own exit, signals and output. It makes a few hundred rows many chunks, and a deadline short.
"""

from __future__ import annotations

import importlib
import re
import sys

from outgrow import __main__


def main() -> None:
    """Set the constants and run the command."""
    while found := re.fullmatch(r"([\w.]+)\.([A-Z_]+)=([\d.]+)", sys.argv[1]):
        module = importlib.import_module(f"outgrow.{found[1]}")
        kind = type(getattr(module, found[2]))  # an unknown name is a mistake in the test
        setattr(module, found[2], kind(found[3]))
        del sys.argv[1]
    __main__.main()


if __name__ == "__main__":
    main()
