"""A naive filter, as a beginner writes it: readline, print, and a flush after every answer."""
import sys

pattern = sys.argv[1]
while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break
    value_line = sys.stdin.readline()
    if pattern in value_line:
        print('forward')
        print(key_line, end='')
        print(value_line, end='')
    else:
        print('filter')
    sys.stdout.flush()
