"""A naive transform: the value in capitals, and a flush after every answer."""
import sys

while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break
    value = sys.stdin.readline().rstrip('\n')[len('value: '):]
    print('forward')
    print(key_line, end='')
    print('value: ' + value.upper())
    sys.stdout.flush()
