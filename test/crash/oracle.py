"""Checks the destination of a job against its sources, without any code of rainstorm.

    oracle.py KIND [option ...] --destination FILE --sources FILE [FILE ...]

    identity                  every line, under the key FILE:LINE (lines counted from 0)
    transform PATTERN OLD NEW lines that hold PATTERN, with OLD replaced by NEW
    rekey PATTERN KEY VALUE.. columns VALUE of lines that hold PATTERN, under column KEY
    count PATTERN KEY         running counts of column KEY over the lines that hold PATTERN
    words                     running counts of the words of all lines

    --ordered           values of one key stand in the order of the source. Holds when all tuples of
                        a key take one way through the job; running counts are ordered in any case,
                        because one task counts a key, and its lines stay in its order
    --at-least-once     nothing is missing and nothing is invented, but lines may be repeated
    --prefix            the job has not ended: what is there is right, and something may be missing
    --letters FILE      the dead letter file, one JSON object a line; with
    --poison TEXT       lines that hold TEXT are in it, each once, and have no other effect

Columns are counted from 0 and separated by plain commas. Destination lines are `key: value`.
Ends with 0 and one line that says how much was compared, or with 1 and the first differences.
"""
import argparse
import collections
import json
import os
import sys

SHOWN = 5


def main():
    options = parse(sys.argv[1:])
    effects, poisoned = expected_of(options)
    lines = destination_lines(options.destination)
    if options.kind[0] in ('count', 'words'):
        problems = count_problems(effects, lines, options)
    else:
        problems = tuple_problems(effects, lines, options)
    if options.poison is not None:
        problems += letter_problems(poisoned, options)
    if problems:
        more = f' (and {len(problems) - SHOWN} more)' if len(problems) > SHOWN else ''
        sys.exit('\n'.join(problems[:SHOWN]) + more)
    said = 'at least once' if options.at_least_once else 'exactly once'
    print(f'{len(lines)} lines for {len(effects)} effects, all {said}')


def parse(arguments):
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('kind', nargs='+')
    parser.add_argument('--sources', nargs='+', required=True)
    parser.add_argument('--destination', required=True)
    parser.add_argument('--letters')
    parser.add_argument('--poison')
    for flag in ('--ordered', '--at-least-once', '--prefix'):
        parser.add_argument(flag, action='store_true')
    return parser.parse_args(arguments)


def expected_of(options):
    """Every effect as (key, value) in source order (value None for counts), and the poisoned ids."""
    effects, poisoned = [], []
    for path in options.sources:
        name = os.path.basename(path)
        with open(path, encoding='utf-8', newline='') as source:
            lines = source.read().split('\n')
            if lines[-1] == '':
                lines.pop()  # behind the last newline is no line
            for number, line in enumerate(lines):
                line = line.removesuffix('\r')
                place = f'{name}:{number}'
                if options.poison is not None and options.poison in line:
                    poisoned.append(place)
                else:
                    effects.extend(effects_of(options.kind, place, line))
    if not effects:
        sys.exit('the sources have no effect: there is nothing to check')
    return effects, poisoned


def effects_of(kind, place, line):
    what, *rest = kind
    if what == 'identity':
        return [(place, line)]
    if what == 'words':
        return [(word, None) for word in line.split()]
    pattern, *rest = rest
    if pattern not in line:
        return []
    if what == 'transform':
        return [(place, line.replace(rest[0], rest[1]))]
    columns = line.split(',')
    if what == 'rekey':
        return [(columns[int(rest[0])], ','.join(columns[int(text)] for text in rest[1:]))]
    if what == 'count':
        return [(columns[int(rest[0])], None)]
    sys.exit(f'there is no kind {what}')


def destination_lines(path):
    with open(path, encoding='utf-8', newline='') as destination:
        text = destination.read()
    if text and not text.endswith('\n'):
        sys.exit(f'the destination ends in the middle of a line: {text[-60:]!r}')
    return [tuple(line.split(': ', 1)) for line in text.split('\n')[:-1]]


def count_problems(effects, lines, options):
    """Each key must be counted 1, 2, 3, ... up to its number of tuples, in this order."""
    expected = collections.Counter(key for key, _ in effects)
    seen = collections.Counter()
    problems = []
    for number, (key, count) in enumerate(lines, 1):
        if key not in expected:
            problems.append(f'line {number}: the key {key!r} is in no source')
            continue
        after = seen[key] + 1
        if int(count) != after:
            how = 'again or late' if int(count) < after else 'too early'
            problems.append(f'line {number}: {key!r} is counted {count} {how}, {after} comes next')
        seen[key] = max(seen[key], int(count))
        if int(count) > expected[key]:
            problems.append(f'line {number}: {key!r} is counted {count} of {expected[key]}')
    if not options.prefix:
        for key, count in expected.items():
            if seen[key] != count:
                problems.append(f'{key!r} is counted to {seen[key]} instead of {count}')
    return problems


def tuple_problems(effects, lines, options):
    expected, found = collections.Counter(effects), collections.Counter(lines)
    problems = []
    for line, times in found.items():
        if line not in expected:
            problems.append(f'invented: {show(line)}')
        elif times > expected[line] and not options.at_least_once:
            problems.append(f'duplicated: {times} times instead of {expected[line]}: {show(line)}')
    if not options.prefix:
        for line, times in expected.items():
            if found[line] < times:
                problems.append(f'lost: {found[line]} times instead of {times}: {show(line)}')
    if options.ordered and not problems:
        problems = order_problems(effects, lines)
    return problems


def order_problems(effects, lines):
    """The values of each key, in both files, one beside the other."""
    ways = collections.defaultdict(list)
    for key, value in effects:
        ways[key].append(value)
    at = collections.Counter()
    problems = []
    for number, (key, value) in enumerate(lines, 1):
        due = ways[key][at[key]]
        at[key] += 1
        if value != due:
            problems.append(f'out of order: line {number} has {value!r} for {key!r}, {due!r} is due')
    return problems


def letter_problems(poisoned, options):
    found = collections.Counter()
    if options.letters is not None:
        with open(options.letters, encoding='utf-8') as letters:
            found.update(json.loads(line)['id'] for line in letters)
    problems = []
    for place in sorted(set(poisoned) | set(found)):
        times = found[place]
        if place not in poisoned:
            problems.append(f'the dead letter {place} was no poison')
        elif times == 0 or (times > 1 and not options.at_least_once):
            problems.append(f'the dead letter {place} is there {times} times')
    return problems


def show(line):
    text = ': '.join(line)
    return repr(text if len(text) < 80 else f'{text[:77]}...')


if __name__ == '__main__':
    try:
        main()
    except OSError as error:
        sys.exit(str(error))
