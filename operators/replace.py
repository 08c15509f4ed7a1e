"""Replaces a text in every value, as often as it occurs.

    replace.py OLD NEW
"""
import sys

if len(sys.argv) != 3 or sys.argv[1] == '':
    sys.exit('usage: replace.py OLD NEW   (OLD must not be empty)')
old, new = sys.argv[1:]

while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break  # no more input
    key = key_line.rstrip('\n')[len('key: '):]
    value = sys.stdin.readline().rstrip('\n')[len('value: '):]

    print('forward')
    print('key: ' + key)
    print('value: ' + value.replace(old, new))
    sys.stdout.flush()
