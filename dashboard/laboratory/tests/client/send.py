"""Sends what the test says over MLLP, with the package hl7, and says how the answers read.

One line of JSON in, one out. `message` is parsed and sent by the package; `bytes` (hexadecimal) go
out as they are, in pieces of `piece` bytes; `answers` says how many are read, `hang_up` that the
line is closed then. An answer is [verdict, control id, faults]; none is null.
"""

import json
import sys

import hl7
from hl7.client import MLLPClient

PATIENCE_S = 120


def connect(port):
    client = MLLPClient("127.0.0.1", port)
    client.socket.settimeout(PATIENCE_S)
    return client


def one_answer(client, kept):
    while b"\x1c\r" not in kept[0]:
        try:
            more = client.socket.recv(4096)
        except ConnectionError:
            more = b""
        if not more:
            return None
        kept[0] += more
    frame, kept[0] = kept[0].split(b"\x1c\r", 1)
    return read(frame)


def read(frame):
    message = hl7.parse(frame.strip(b"\x0b\x1c\r").decode("utf-8") + "\r")
    verdict = message.segment("MSA")
    faults = []
    for segment in message:
        if str(segment[0]) == "ERR":
            faults.append([str(segment[2]), str(segment[3][0][0]), str(segment[4])])
    assert str(message.segment("MSH")[9]).startswith("ACK^"), frame
    return [str(verdict[1]), str(verdict[2]), faults]


def main():
    port = int(sys.argv[1])
    client = connect(port)
    kept = [b""]
    for line in sys.stdin:
        order = json.loads(line)
        answers = []
        if "message" in order:
            message = hl7.parse(order["message"])
            answers.append(read(client.send_message(message)))
        if "bytes" in order:
            data = bytes.fromhex(order["bytes"])
            piece = order.get("piece", max(len(data), 1))
            try:
                for at in range(0, len(data), piece):
                    client.socket.sendall(data[at : at + piece])
            except ConnectionError:
                pass  # it hung up in the middle: what it said before is still read
            answers += [one_answer(client, kept) for _ in range(order["answers"])]
        if order.get("hang_up"):
            client.close()
            client, kept = connect(port), [b""]
        print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
