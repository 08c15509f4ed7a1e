"""Forwards every tuple unchanged.

    identity.py

The smallest operator of the line protocol (see README.md): two lines in, one answer out.
"""
import sys

while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break  # no more input
    key = key_line.rstrip('\n')[len('key: '):]
    value = sys.stdin.readline().rstrip('\n')[len('value: '):]

    print('forward')
    print('key: ' + key)
    print('value: ' + value)
    sys.stdout.flush()
