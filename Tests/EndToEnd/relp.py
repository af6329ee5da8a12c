# SPDX-License-Identifier: Apache-2.0
"""A RELP client that knows what was acknowledged; written from the protocol's description, not from our code."""
import socket
import threading


class RelpClient:
    """Sends `syslog` commands with a window, and keeps the messages that were acknowledged with `200`."""

    def __init__(self, port, window=128, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.window, self.number, self.open, self.acknowledged, self.refused = window, 0, {}, [], []
        self.buffer, self.condition, self.ended = b"", threading.Condition(), False
        self._command("open", b"relp_version=0\nrelp_software=penstock-test\ncommands=syslog")
        answer = self._frame()
        assert answer[1] == b"rsp" and answer[2].startswith(b"200 OK"), answer
        self.offers = answer[2]
        threading.Thread(target=self._read, daemon=True).start()

    def _command(self, name, data=b""):
        self.number = self.number % 999_999_999 + 1
        text = b"%d %s %d" % (self.number, name.encode(), len(data))
        self.socket.sendall(text + (b" " + data if data else b"") + b"\n")
        return self.number

    def _frame(self):
        """(transaction, command, data) of the next frame."""
        def more():
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("the server has gone")
            self.buffer += got
        while self.buffer.count(b" ") < 2 or not self.buffer.split(b" ", 2)[2]:
            more()
        transaction, command, rest = self.buffer.split(b" ", 2)
        digits = 0
        while True:
            while digits < len(rest) and rest[digits:digits + 1].isdigit():
                digits += 1
            if digits < len(rest):
                break
            more()
            rest = self.buffer.split(b" ", 2)[2]
        length = int(rest[:digits])
        head = len(transaction) + 1 + len(command) + 1 + digits
        size = head + (1 + length if length else 0) + 1
        while len(self.buffer) < size:
            more()
        data = self.buffer[head + 1:head + 1 + length] if length else b""
        assert self.buffer[size - 1:size] == b"\n", self.buffer[:80]
        self.buffer = self.buffer[size:]
        return int(transaction), command, data

    def _read(self):
        try:
            while True:
                transaction, command, data = self._frame()
                with self.condition:
                    if command == b"rsp" and transaction in self.open:
                        (self.acknowledged if data.startswith(b"200") else self.refused).append(
                            self.open.pop(transaction))
                    elif command == b"serverclose":
                        break
                    self.condition.notify_all()
        except (OSError, ConnectionError, ValueError):
            pass
        with self.condition:
            self.ended = True
            self.condition.notify_all()

    def send(self, message):
        """Sends one message; waits while the window is full. False when the server has gone."""
        with self.condition:
            self.condition.wait_for(lambda: self.ended or len(self.open) < self.window, timeout=60)
            if self.ended:
                return False
            # Noted before it is sent: its answer may be faster than this thread.
            self.open[self.number % 999_999_999 + 1] = message
        try:
            self._command("syslog", message)
        except OSError:
            return False
        return True

    def wait(self, timeout=60):
        """Until everything is acknowledged; whether it was."""
        with self.condition:
            return self.condition.wait_for(lambda: not self.open or self.ended, timeout) and not self.open

    def close(self):
        try:
            self._command("close")
        except OSError:
            pass
        self.socket.close()
