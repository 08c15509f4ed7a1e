"""Counts the tuples of each key: an aggregate.

    count_by_key.py

Every tuple is answered with its key and how often that key has been seen so far, this time
included. The counts live in this process; RainStorm brings them back by replaying the inputs.
"""
import sys

counts = {}

while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break  # no more input
    key = key_line.rstrip('\n')[len('key: '):]
    sys.stdin.readline()  # the value is not needed, but it has to be read

    counts[key] = counts.get(key, 0) + 1
    print('forward')
    print('key: ' + key)
    print('value: ' + str(counts[key]))
    sys.stdout.flush()
