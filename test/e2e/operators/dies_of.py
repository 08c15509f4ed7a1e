"""Forwards every tuple, and dies of the value argv[1]."""
import sys

while True:
    key = sys.stdin.readline()
    if not key:
        break
    value = sys.stdin.readline()
    if value == 'value: ' + sys.argv[1] + '\n':
        raise ValueError('cannot bear ' + sys.argv[1])
    print('forward\n' + key + value, end='')
