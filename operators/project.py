"""Keeps some columns of values that are CSV lines.

    project.py COLUMN [COLUMN ...]      columns are counted from 0

The value becomes these columns, in the given order, as a CSV line again. Quotes are understood
(`"a, b",c` has two columns) and written where they are needed. A column that a line does not have
is empty.
"""
import csv
import io
import sys

try:
    columns = [int(text) for text in sys.argv[1:]]
except ValueError:
    columns = []
if not columns or min(columns) < 0:
    sys.exit('usage: project.py COLUMN [COLUMN ...]   (columns are counted from 0)')

csv.field_size_limit(sys.maxsize)


def fields_of(value):
    return next(csv.reader([value]), [])


def csv_line(fields):
    out = io.StringIO()
    csv.writer(out, lineterminator='').writerow(fields)
    return out.getvalue()


while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break  # no more input
    key = key_line.rstrip('\n')[len('key: '):]
    value = sys.stdin.readline().rstrip('\n')[len('value: '):]

    fields = fields_of(value)
    print('forward')
    print('key: ' + key)
    print('value: ' + csv_line([fields[c] if c < len(fields) else '' for c in columns]))
    sys.stdout.flush()
