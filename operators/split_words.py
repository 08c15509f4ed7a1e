"""Makes one tuple of each word: several outputs for one input.

    split_words.py

The key of an output is the word, its value is 1. All but the last word are written with `emit`, the
last one with `forward`, which ends the answer. A value without words is filtered.
"""
import sys

while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break  # no more input
    value = sys.stdin.readline().rstrip('\n')[len('value: '):]

    words = value.split()
    for word in words[:-1]:
        print('emit')
        print('key: ' + word)
        print('value: 1')
    if words:
        print('forward')
        print('key: ' + words[-1])
        print('value: 1')
    else:
        print('filter')
    sys.stdout.flush()
