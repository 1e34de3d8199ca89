"""`python -m support.soak`: soak, print every event and a summary, and exit with 1 at the first violation."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import traceback
from pathlib import Path

import support.soak
from outgrow.postgres import embedded
from support import servers
from support.soak import course


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def main() -> int:
    """Soak as the arguments say; the exit status."""
    parser = argparse.ArgumentParser(
        description=support.soak.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=None, help="what chance begins with; another one every time")
    parser.add_argument("--rate", type=float, default=120, help="writes a second, of all processes together")
    parser.add_argument("--judge-every", type=float, default=None, metavar="SECONDS", help="a sixth of the time")
    told = parser.parse_args()
    seed = secrets.randbelow(10**6) if told.seed is None else told.seed
    directory = Path(tempfile.mkdtemp(prefix="soak-"))
    say(f"seed {seed}, {told.seconds:.0f} s; everything that is written down is in {directory}")
    with (
        embedded.server() as server,
        servers.database(server) as dsn,
        course.soaking(directory, dsn, seed=seed, rate=told.rate, say=say) as soak,
    ):
        try:
            soak.run(told.seconds, judge_every=told.judge_every or max(told.seconds / 6, 20))
        except Exception:
            say(traceback.format_exc())
            say(f"violated, with seed {seed}; the engine's words are in {soak.engine.log}")
            return 1
        finally:
            say(soak.summed())
    return 0


if __name__ == "__main__":
    sys.exit(main())
