"""``python -m echoic`` and the command ``echoic``."""

from echoic.cli import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
