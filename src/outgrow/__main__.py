"""The `outgrow` command; says what to install where only the router is installed."""

import importlib.util
import sys


def main() -> None:
    """Run the command-line interface, or explain how to get it."""
    missing = [name for name in ("apsw", "typer", "rich", "tomli_w") if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"outgrow: the command needs {', '.join(missing)}, which is not installed here.\n"
            "Only the router is installed. Next: pip install 'outgrow[embedded]'\n"
        )
        raise SystemExit(4)
    try:
        from outgrow import cli
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    cli.main()


if __name__ == "__main__":
    main()
