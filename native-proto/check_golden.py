"""Checks the golden files with a CBOR reader of its own, in nothing but the standard library.

    python3 native-proto/check_golden.py [folder]

It is also the shortest example of a reader in another language. Prints how many files it
checked; says what is wrong and exits with 1 otherwise.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

DEPTH_MAX = 16
ITEMS_MAX = 65_536
INTEGER_MAX = 2**53 - 1
U32_ARRAY = 70


class Refused(Exception):
    """The bytes break the protocol."""


class Reader:
    """Reads one CBOR item. Tags are refused, except u32 arrays where `arrays` is true."""

    def __init__(self, data, arrays=False):
        self.data = data
        self.at = 0
        self.items = 0
        self.arrays = arrays

    def take(self, count):
        if self.at + count > len(self.data):
            raise Refused("cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def head(self):
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info > 27:
            raise Refused("an indefinite or reserved length")
        argument = info if info < 24 else int.from_bytes(self.take(1 << (info - 24)), "big")
        return major, info, argument

    def item(self, depth=0):
        self.items += 1
        if self.items > ITEMS_MAX:
            raise Refused("too many items")
        major, info, argument = self.head()
        if major == 7:
            return self.simple(info, argument)
        if major <= 1:
            if argument > INTEGER_MAX:
                raise Refused("an integer above 2^53 - 1")
            return argument if major == 0 else -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self.take(argument).decode("utf-8")
        if major == 6:
            return self.u32s(argument)
        if depth == DEPTH_MAX:
            raise Refused("nested too deeply")
        if major == 4:
            return [self.item(depth + 1) for _ in range(argument)]
        return self.map(argument, depth + 1)

    def map(self, count, depth):
        pairs = {}
        for _ in range(count):
            key = self.item(depth)
            if not isinstance(key, (int, str)) or isinstance(key, bool) or key in pairs:
                raise Refused("a map key that is repeated, or neither text nor integer")
            pairs[key] = self.item(depth)
        return pairs

    def simple(self, info, argument):
        if info in (20, 21):
            return info == 21
        if info in (22, 23):
            return None
        form = {25: ">e", 26: ">f", 27: ">d"}.get(info)
        if form is None:
            raise Refused("an unknown simple value")
        size = struct.calcsize(form)
        return struct.unpack(form, argument.to_bytes(size, "big"))[0]

    def u32s(self, tag):
        if tag != U32_ARRAY or not self.arrays:
            raise Refused("a tag")
        data = self.item()
        return list(struct.unpack("<%dI" % (len(data) // 4), data))

    def whole(self):
        value = self.item()
        if self.at != len(self.data):
            raise Refused("bytes after the end")
        return value


def read_message(payload):
    """The number and the fields of a message, in order."""
    if len(payload) < 4 or not 0xA2 <= payload[0] <= 0xB7 or payload[1] != 0:
        raise Refused("it does not start with a message number")
    if not (payload[2] < 24 or (payload[2] == 24 and payload[3] >= 24)):
        raise Refused("the number is not in its shortest form")
    fields = Reader(payload).whole()
    if list(fields) != list(range(len(fields))):
        raise Refused("fields are not numbered from 0")
    return fields[0], [fields[i] for i in range(1, len(fields))]


def as_json(value):
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    return value


def expect(got, wanted):
    if got != wanted:
        raise AssertionError("read %r, expected %r" % (got, wanted))


def check_message(data, says, numbers):
    expect(struct.unpack(">I", data[:4])[0], len(data) - 4)
    number, values = read_message(data[4:])
    expect(numbers.setdefault(says["kind"], number), number)
    expect(as_json(values), [value for _, value in says["fields"]])


def check_refused(data, says, numbers):
    try:
        number, values = read_message(data)
    except (Refused, UnicodeDecodeError):
        return
    if number not in numbers.values():
        return
    # well formed, and of a known number: only its fields can be wrong
    if number == numbers["item-data"]:
        expect(isinstance(values[-1], bytes), False)
        return
    expect(number == 4 and len(values) == 1 and isinstance(values[0], int), False)


def pieces(data, ends):
    starts = [0] + ends[:-1]
    return [data[start:end].hex() for start, end in zip(starts, ends)]


def read_block(data):
    """The tuples of a block."""
    version, count, hi, lo, fan_ends, fan, key_ends, value_ends, keys, values = Reader(
        data, arrays=True
    ).whole()
    expect(version, 1)
    fans = [""] * count if fan is None else pieces(fan, fan_ends)
    columns = zip(hi, lo, fans, pieces(keys, key_ends), pieces(values, value_ends))
    return [dict(zip(("hi", "lo", "fan", "key", "value"), row)) for row in columns]


def check_block(data, says, _numbers):
    expect(read_block(data), says["tuples"])


def check_record(data, says, _numbers):
    magic, length, crc = struct.unpack("<4sII", data[:12])
    expect(magic, b"RSR1")
    expect(zlib.crc32(data[12 : 12 + length]), crc)
    header = Reader(data[12 : 12 + length]).whole()
    blocks = data[12 + length :]
    expect(zlib.crc32(blocks), header["crc"])
    expect((header["kind"], header["inputs"]), (says["kind"], says["inputs"]))
    outputs = []
    for consumer, first, count, size in header["outputs"]:
        block, blocks = blocks[:size], blocks[size:]
        expect(len(read_block(block)), count)
        row = {"consumer": consumer, "firstSeq": first, "count": count, "block": block.hex()}
        outputs.append(row)
    expect(outputs, says["outputs"])
    expect(len(blocks), 0)


CHECKS = {
    "messages": check_message,
    "refused": check_refused,
    "blocks": check_block,
    "records": check_record,
}


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "golden"
    checked, wrong, numbers = 0, [], {}
    for kind, check in CHECKS.items():
        for path in sorted((folder / kind).glob("*.hex")):
            data = bytes.fromhex("".join(path.read_text().split()))
            says = json.loads(path.with_suffix(".json").read_text())
            checked += 1
            try:
                check(data, says, numbers)
            except (Refused, AssertionError, ValueError, KeyError) as error:
                wrong.append("%s/%s: %s" % (kind, path.stem, error))
    print("\n".join(wrong + ["%d golden files checked, %d wrong" % (checked, len(wrong))]))
    sys.exit(1 if wrong or checked == 0 else 0)


if __name__ == "__main__":
    main()
