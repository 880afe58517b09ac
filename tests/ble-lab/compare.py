"""What was spoken against what was stored: `compare.py LOG... < EXPORT`.

The logs are those of the peripherals, the export is that of `veglia export`. Prints how many
values were spoken and how many arrived. Fails when one arrived that nobody spoke, or twice, or
with another time; with `--least VITAL=N`, when fewer arrived; with `--all`, when one is missing.
"""

import argparse
import collections
import csv
import sys

# Machines under emulation and devices begin their seconds where they like, and a value waits its
# turn in the air.
APART_MS = 5000


def spoken(paths):
    """When each value of each vital sign was spoken; a stored one may be told again."""
    moments = collections.defaultdict(set)
    for path in paths:
        with open(path, encoding="utf-8") as log:
            for words in map(str.split, log):
                if words[:1] == ["spoke"] and len(words) == 4:
                    moments[words[1], words[2]].add(int(words[3]))
    return moments


def take(moments, at):
    """Uses up the moment that is nearest, if one is near enough."""
    nearest = min(moments, key=lambda moment: abs(moment - at), default=None)
    if nearest is None or abs(nearest - at) > APART_MS:
        return False
    moments.remove(nearest)
    return True


def main():
    """Compares, prints, and says by its status whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--least", action="append", default=[], metavar="VITAL=N")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()

    left = spoken(arguments.logs)
    total = sum(map(len, left.values()))
    faults, arrived, qualities = [], collections.Counter(), set()
    for row in csv.DictReader(sys.stdin):
        arrived[row["vital"]] += 1
        qualities.add(row["quality"] or "clean")
        if not take(left[row["vital"], row["value"]], int(row["measured_ms"])):
            faults.append(f"nobody spoke this, or it came twice: {','.join(row.values())}")
    missing = sum(map(len, left.values()))
    for least in arguments.least:
        vital, number = least.split("=")
        if arrived[vital] < int(number):
            faults.append(f"{arrived[vital]} of {vital} arrived, not {number}")
    if arguments.all and missing:
        faults.append(f"{missing} missing")

    counts = ", ".join(f"{number} {vital}" for vital, number in sorted(arrived.items()))
    print(f"{total} values spoken, arrived: {counts or 'none'} ({'+'.join(sorted(qualities))})")
    for fault in faults[:10]:
        print("  " + fault)
    sys.exit(bool(faults))


main()
