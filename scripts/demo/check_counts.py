"""Checks the output of the demo job against its input, without any code of rainstorm.

    check_counts.py signs.csv counts.txt

The job counts, by Category, the signs on a "Punched Telspar" post. An aggregate answers each tuple
with the count so far, so for every category the output must hold 1, 2, 3, ... up to the number of
its signs, in this order and each once: a missing, repeated or reordered effect cannot hide.
"""

import csv
import sys

COLUMN = "Category"
TEXT = "Punched Telspar"


def expected_counts(path):
    """Category -> number of signs, by the reading of Python's own CSV parser."""
    counts = {}
    with open(path, newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if any(TEXT in value for value in row.values()):
                counts[row[COLUMN]] = counts.get(row[COLUMN], 0) + 1
    return counts


def problem_of(expected, lines):
    """What is wrong with the lines `category: count`, or None."""
    seen = {}
    for number, line in enumerate(lines, 1):
        key, _, count = line.rstrip("\n").rpartition(": ")
        if key not in expected:
            return f"line {number} has the unknown key {key!r}"
        seen[key] = seen.get(key, 0) + 1
        if count != str(seen[key]):
            return f"line {number} says {count} for {key!r}, but {seen[key]} comes next"
    for key, count in expected.items():
        if seen.get(key, 0) != count:
            return f"{key!r} was counted to {seen.get(key, 0)} instead of {count}"
    return None


def main():
    source, output = sys.argv[1:]
    expected = expected_counts(source)
    if not expected:
        sys.exit(f"{source} has no sign with {TEXT!r}: there is nothing to check")
    with open(output, encoding="utf-8", newline="\n") as lines:
        problem = problem_of(expected, lines)
    if problem is not None:
        sys.exit(f"{output}: {problem}")
    print(f"{sum(expected.values())} counted tuples in {len(expected)} categories, all exact")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(str(error))
