"""The examples live beside the package, not in it: make them importable from any working directory."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]

if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))
