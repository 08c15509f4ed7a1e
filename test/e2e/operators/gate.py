"""Forwards every tuple, but answers nothing before the pipe argv[1] was opened by somebody."""
import sys

gate = sys.argv[1]
while True:
    key = sys.stdin.readline()
    if not key:
        break
    if gate:
        open(gate).close()
        gate = ''
    print('forward\n' + key + sys.stdin.readline(), end='')
