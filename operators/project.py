"""Keeps some columns of values that are CSV lines.

    project.py [--key COLUMN] COLUMN [COLUMN ...]      columns are counted from 0

With --key the text of that column becomes the key, so that the next stage gets all tuples with one
text in one task: `project.py --key 8 3 8` before `count_by_key.py` counts by column 8 exactly, with
any number of tasks. The value becomes these columns, in the given order, as a CSV line again. Quotes are understood
(`"a, b",c` has two columns) and written where they are needed. A column that a line does not have
is empty.
"""
import csv
import io
import sys

args = sys.argv[1:]
key_column = None
try:
    if args[:1] == ['--key']:
        key_column = int(args[1])
        args = args[2:]
    columns = [int(text) for text in args]
except (IndexError, ValueError):
    columns = []
if not columns or min(columns) < 0 or (key_column is not None and key_column < 0):
    sys.exit('usage: project.py [--key COLUMN] COLUMN [COLUMN ...]   (columns are counted from 0)')

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
    if key_column is not None:
        key = fields[key_column] if key_column < len(fields) else ''
    print('forward')
    print('key: ' + key)
    print('value: ' + csv_line([fields[c] if c < len(fields) else '' for c in columns]))
    sys.stdout.flush()
