"""Gives one tuple per piece of the value, cut at argv[1]; an empty last piece is no tuple."""
import sys

while True:
    key = sys.stdin.readline()
    if not key:
        break
    *first, last = sys.stdin.readline()[len('value: '):-1].split(sys.argv[1])
    for piece in first:
        print('emit\n' + key + 'value: ' + piece)
    print('forward\n' + key + 'value: ' + last if last else 'filter')
