"""Counts how often each value of a CSV column occurs: an aggregate.

    count_by_column.py COLUMN      columns are counted from 0

Every tuple is answered with the column's text as its key and the running count as its value; a line
without that column counts under the empty key. The counts are those of this process: with several
tasks, use `project.py --key COLUMN ...` and `count_by_key.py` instead, or one task.
"""
import csv
import sys

if len(sys.argv) != 2 or not sys.argv[1].isdigit():
    sys.exit('usage: count_by_column.py COLUMN   (columns are counted from 0)')
column = int(sys.argv[1])
counts = {}

csv.field_size_limit(sys.maxsize)

while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break  # no more input
    value = sys.stdin.readline().rstrip('\n')[len('value: '):]

    fields = next(csv.reader([value]), [])
    group = fields[column] if column < len(fields) else ''
    counts[group] = counts.get(group, 0) + 1
    print('forward')
    print('key: ' + group)
    print('value: ' + str(counts[group]))
    sys.stdout.flush()
