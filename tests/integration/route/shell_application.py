"""An application that does what it is told: a line is a statement, its rows or its error come back as a line.

python shell_application.py FILE
"""

from __future__ import annotations

import sys

from outgrow import sqlite3


def main() -> None:
    connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
    for statement in sys.stdin:
        try:
            print(connection.execute(statement).fetchall(), flush=True)
        except sqlite3.Error as error:
            print(f"{type(error).__name__}: {str(error).partition(':')[0].splitlines()[0]}", flush=True)


if __name__ == "__main__":
    main()
