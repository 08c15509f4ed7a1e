"""Keeps the tuples whose value contains a text.

    filter.py PATTERN
    filter.py --regex PATTERN      PATTERN is a Python regular expression, found anywhere
"""
import re
import sys

args = sys.argv[1:]
use_regex = args[:1] == ['--regex']
if use_regex:
    args = args[1:]
if len(args) != 1:
    sys.exit('usage: filter.py [--regex] PATTERN')
pattern = re.compile(args[0]) if use_regex else args[0]


def matches(value):
    return pattern.search(value) is not None if use_regex else pattern in value


while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break  # no more input
    key = key_line.rstrip('\n')[len('key: '):]
    value = sys.stdin.readline().rstrip('\n')[len('value: '):]

    if matches(value):
        print('forward')
        print('key: ' + key)
        print('value: ' + value)
    else:
        print('filter')
    sys.stdout.flush()
