"""Runs a command on a terminal of its own: what it draws goes to stdout, what comes on stdin is typed.

    on_terminal.py COMMAND [ARGUMENT ...]

Ends with the command's exit code, or with 128 + the signal that ended it.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

ROWS, COLUMNS = 40, 120


def main():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', ROWS, COLUMNS, 0, 0))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    copy(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.exit(code if code >= 0 else 128 - code)


def copy(terminal):
    """Both ways until the command has closed its terminal."""
    typing = True
    while True:
        ready = select.select([terminal, 0] if typing else [terminal], [], [])[0]
        if 0 in ready:
            typed = os.read(0, 1024)
            typing = typed != b''
            os.write(terminal, typed)
        if terminal in ready:
            try:
                drawn = os.read(terminal, 65536)
            except OSError:  # nobody holds the other end any more
                return
            if not drawn:
                return
            os.write(1, drawn)


main()
