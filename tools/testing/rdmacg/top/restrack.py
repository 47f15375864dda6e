#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Messages of RDMA netlink about who made what: made up, or recorded.

Prints those of this kernel, for --restrack to read.
"""

import socket
import struct
import sys

NETLINK_RDMA = 20
NLDEV = 5
ERROR, DONE = 2, 3
REQUEST_DUMP = 0x301
GET = 1
DEV_INDEX, DEV_NAME, PID, KERN_NAME, MRLEN = 1, 2, 28, 29, 45
# The command that asks for them, the table in its answer, and its entries.
KINDS = {"qp": (10, 19, 20), "cq": (12, 35, 36), "mr": (13, 40, 41),
         "pd": (14, 46, 47), "srq": (23, 88, 89), "context": (22, 86, 87)}
HEADER = struct.Struct("=IHHII")


def attribute(number, data):
    text = struct.pack("=HH", len(data) + 4, number) + data
    return text + bytes(-len(text) % 4)


def message(command, *attributes, flags=2):
    payload = b"".join(attributes)
    return HEADER.pack(HEADER.size + len(payload), NLDEV << 10 | command,
                       flags, 1, 0) + payload


def device(index, name):
    return message(GET, attribute(DEV_INDEX, struct.pack("=I", index)),
                   attribute(DEV_NAME, name.encode() + b"\0"))


def entry(maker, length=None):
    """By a task's ID, by the name of a part of the kernel, or by None."""
    attributes = []
    if length is not None:
        attributes.append(attribute(MRLEN, struct.pack("=Q", length)))
    if isinstance(maker, int):
        attributes.append(attribute(PID, struct.pack("=I", maker)))
    elif maker:
        attributes.append(attribute(KERN_NAME, maker.encode() + b"\0"))
    return b"".join(attributes)


def objects(kind, index, *entries):
    """Of the makers in entries, or of what entry() made of one."""
    command, table, number = KINDS[kind]
    return message(
        command, attribute(DEV_INDEX, struct.pack("=I", index)),
        attribute(table, b"".join(
            attribute(number, one if isinstance(one, bytes) else entry(one))
            for one in entries)))


def messages(data):
    """Yields (type, whole message)."""
    at = 0
    while at < len(data):
        length, number, *_ = HEADER.unpack_from(data, at)
        yield number, data[at:at + length]
        at += -(-length // 4) * 4


def dump(kernel, command, *attributes):
    """Returns the answers, or none if the kernel does not know the command."""
    kernel.send(message(command, *attributes, flags=REQUEST_DUMP))
    answers = []
    while True:
        for number, text in messages(kernel.recv(1 << 16)):
            if number in (ERROR, DONE):
                return answers
            answers.append(text)


def main():
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_RDMA)
    kernel.bind((0, 0))
    devices = dump(kernel, GET)
    answers = list(devices)
    for one in devices:
        # The index comes first.
        index = one[HEADER.size:HEADER.size + 8]
        for command, *_ in KINDS.values():
            answers += dump(kernel, command, index)
    sys.stdout.buffer.write(b"".join(answers))


if __name__ == "__main__":
    main()
