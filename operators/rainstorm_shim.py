"""Runs a line-protocol script with fast standard streams.

    python3 -B rainstorm_shim.py [--status=FD] script.py [argument ...]

The script believes that it was started by `python3 script.py argument ...`. What changes:

1. Input is read in big pieces and served from memory; output is collected, `flush()` does nothing,
   and everything collected is written before the script waits for more input. So a script that
   flushes every line costs no system call per line, and one that never flushes cannot hang.
2. Collected output is also written on SIGURG (the runner sends it when it has heard nothing for
   50 ms), before an uncaught exception is reported, and at exit. After an exception the runner
   therefore knows exactly which input was not answered.
3. The protocol has descriptors of its own. Descriptor 0 becomes /dev/null and descriptor 1 becomes
   stderr, so that what libraries and child processes print lands in the log.
4. Text is UTF-8 with `surrogateescape`, and only '\\n' ends a line: any bytes pass unchanged.
5. One byte on the status descriptor, if given, tells what stderr cannot: 'r' the script began to
   read, 'x' it died of an exception, 't' it was told to stop; answers were written before 'x', 't'.

Everything per line happens in C (io.TextIOWrapper, io.StringIO); the Python code below runs once per piece.
"""
import io
import os
import signal
import sys
from _collections import deque
from _operator import methodcaller
from _thread import allocate_lock

INPUT_BYTES = 65536
OUTPUT_BYTES = 262144


class Collector(io.BufferedIOBase):
    """What is below the script's sys.stdout: output waiting to be written.

    A signal handler or another thread may come between any two steps. `texts` is emptied in one C
    call, pieces are added on the right and taken from the left atomically, and only the holder of
    `lock` takes; who may not wait for the lock leaves the work to its holder.
    """

    name = '<stdout>'
    mode = 'wb'

    def __init__(self, fd):
        self.fd = fd
        self.lock = allocate_lock()
        self.texts = io.StringIO()
        # One call into C, so that no thread or handler runs between the two (which needs the GIL).
        steps = (self.texts.getvalue, self.texts.__init__)
        self.take_texts = lambda: list(map(methodcaller('__call__'), steps))[0]
        self.pieces = deque()
        self.size = 0

    def writable(self):
        return True

    def isatty(self):
        return False

    def fileno(self):
        return sys.stdout.fileno()

    def write(self, data):
        data = bytes(data)
        self.pieces.append(data)
        self.size += len(data)
        if self.size > OUTPUT_BYTES and self.lock.acquire(False):
            try:
                self._write_out()
            finally:
                self.lock.release()
        return len(data)

    def flush(self):
        pass

    def gather(self):
        """Text printed so far joins the pieces, as flush() would do."""
        text = self.take_texts()
        if text:
            self.write(text.encode('utf-8', 'surrogateescape'))
        plain_flush(answers)

    def drain(self, wait):
        """Writes everything collected; without `wait`, only if nobody else is at it."""
        if not self.lock.acquire(wait):
            return
        try:
            self.gather()
            self._write_out()
        finally:
            self.lock.release()

    def _write_out(self):
        pieces = self.pieces
        while pieces:
            taken = []
            while pieces:
                taken.append(pieces.popleft())
            self.size = 0
            rest = memoryview(taken[0] if len(taken) == 1 else b''.join(taken))
            while rest:
                try:
                    rest = rest[os.write(self.fd, rest):]
                except BrokenPipeError:
                    os._exit(1)  # the runner is gone: nobody to answer to

    def forked(self):
        """In a forked child: the parent's output is not ours; our own goes to the log."""
        self.lock = allocate_lock()
        self.pieces.clear()
        self.size = 0
        self.fd = 1


class Answers(io.TextIOWrapper):
    """The script's sys.stdout. Its `write` is that of a StringIO, its `flush` does nothing."""

    def be_fast(self):
        self.write = collector.texts.write
        self.flush = [].clear  # a C function without arguments that returns None and costs nothing

    def flush(self):
        collector.gather()

    @property
    def buffer(self):
        self.__dict__.pop('flush', None)  # text and bytes may mix: flush() has to order them
        collector.gather()
        return collector

    def fileno(self):
        self.flush = lambda: collector.drain(True)  # somebody may write past us
        self.flush()
        return collector.fd

    def reconfigure(self, **settings):
        for kind in ('line_buffering', 'write_through'):
            settings.pop(kind, None)
        if settings:
            collector.gather()
            self.__dict__.pop('write', None)
            super().reconfigure(**settings)

    def detach(self):
        collector.gather()
        return super().detach()


plain_flush = io.TextIOWrapper.flush


class Inputs(io.RawIOBase):
    """What is below the script's sys.stdin: writes what was collected, then waits for input."""

    name = '<stdin>'
    mode = 'rb'

    def __init__(self, fd):
        self.fd = fd
        self.begun = False

    def readable(self):
        return True

    def isatty(self):
        return False

    def fileno(self):
        self.begin()
        return self.fd

    def begin(self):
        if not self.begun:
            self.begun = True
            report(b'r')

    def readinto(self, view):
        if not self.begun:
            self.begin()
        collector.drain(True)
        return os.readv(self.fd, [view])


def report(what):
    if status_fd is not None:
        try:
            os.write(status_fd, what)
        except OSError:
            pass  # nobody listens; stderr tells the rest


def on_poke(_signal, _frame):
    collector.drain(False)


def on_stop(_signal, frame):
    """Too late: hand over what is answered, say where the script is, and die."""
    collector.drain(False)
    report(b't')
    import traceback

    sys.stderr.write('told to stop; the script was here (most recent call last):\n')
    for line in traceback.format_list(script_frames(traceback.extract_stack(frame))):
        sys.stderr.write(line)
    sys.stderr.flush()
    os._exit(143)


def script_frames(frames):
    return [f for f in frames if f.filename != __file__]


def before_fork():
    collector.gather()


def after_fork_in_child():
    global status_fd
    status_fd = None
    inputs.fd = 0
    collector.forked()


def show(error):
    """Reports an uncaught exception as `python3 script.py` would: without the frames of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error.__traceback__ = trace
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    sys.excepthook(type(error), error, trace)


def parse(arguments):
    status = None
    if arguments and arguments[0].startswith('--status='):
        status = int(arguments.pop(0)[len('--status='):])
        os.set_inheritable(status, False)
    if not arguments:
        sys.exit('usage: rainstorm_shim.py [--status=FD] script.py [argument ...]')
    return status, arguments


def replace_streams():
    """Moves the protocol away from descriptors 0 and 1 and gives the script its streams."""
    global inputs, collector, answers
    inputs = Inputs(os.dup(0))
    collector = Collector(os.dup(1))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    settings = dict(encoding='utf-8', errors='surrogateescape', newline='\n')
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(
        io.BufferedReader(inputs, INPUT_BYTES), **settings)
    sys.stdin._CHUNK_SIZE = INPUT_BYTES
    sys.stdin.mode = 'r'
    sys.stdout = sys.__stdout__ = answers = Answers(collector, **settings)
    answers.mode = 'w'
    if sys.implementation.name == 'cpython' and getattr(sys, '_is_gil_enabled', lambda: True)():
        answers.be_fast()


def arrange_last_words():
    import atexit

    atexit.register(collector.drain, True)
    os.register_at_fork(before=before_fork, after_in_child=after_fork_in_child)
    signal.signal(signal.SIGTERM, on_stop)
    signal.signal(signal.SIGURG, on_poke)
    signal.siginterrupt(signal.SIGURG, False)  # a poke must not disturb C code that is waiting


def become(script, arguments):
    """Makes this process look like `python3 script arguments...`; returns the script's module."""
    sys.argv[:] = [script] + arguments
    folder = os.path.dirname(os.path.realpath(script))
    if sys.path and sys.path[0] == os.path.dirname(os.path.realpath(__file__)):
        sys.path[0] = folder
    else:
        sys.path.insert(0, folder)
    module = type(sys)('__main__')
    module.__file__ = script
    module.__builtins__ = __builtins__
    module.__spec__ = None
    module.__annotations__ = {}
    sys.modules['__main__'] = module
    return module


def run(script, module):
    try:
        with io.open(script, 'rb') as file:
            code = compile(file.read(), script, 'exec', dont_inherit=True)
        exec(code, module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        collector.drain(True)
        report(b'x')
        show(error)
        sys.exit(1)


if __name__ == '__main__':
    originals = sys.modules['__main__'], sys.stdin, sys.stdout  # keep: closing them would hurt
    status_fd, rest = parse(sys.argv[1:])
    replace_streams()
    arrange_last_words()
    run(rest[0], become(rest[0], rest[1:]))
