"""P2 with 5,000 sites; a file of its own because each figure has a minute."""

from __future__ import annotations

from benchmarks.p2_key_to_paint import compare


def main() -> None:
    compare(5000)


if __name__ == "__main__":
    main()
