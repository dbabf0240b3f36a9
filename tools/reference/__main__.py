"""Bring the reference pages up to the code: `python -m tools.reference [--check]`."""

from __future__ import annotations

import argparse
import sys

from tools.parts import ROOT
from tools.reference.pages import pages, unexplained, written


def main() -> int:
    """Write the pages, or with ``--check`` name those that are behind; a row without a meaning is named in any case."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description="write what follows the code")
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    behind = False
    for page in pages():
        text = page.read_text(encoding="utf-8")
        now = written(text)
        if now != text:
            behind = True
            print(f"{page.relative_to(ROOT)} {'is behind the code' if check else 'is written'}")
            if not check:
                page.write_text(now, encoding="utf-8")
        for row in unexplained(now):
            print(f"{page.relative_to(ROOT)}: nobody says what {row} means")
    return int(check and behind)


if __name__ == "__main__":
    sys.exit(main())
