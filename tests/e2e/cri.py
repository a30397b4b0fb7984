"""The CRI over a Unix socket, by python3-h2: a kubelet that asks, and a runtime that answers by a script."""
import socket
import struct
import threading

import h2.config
import h2.connection
import h2.events


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def enc(fields):
    """A message: pairs of a field's number and a text, a number, a dict (a map of texts) or again such pairs."""
    out = b""
    for number, value in fields:
        if isinstance(value, dict):
            out += b"".join(enc([(number, [(1, k), (2, v)])]) for k, v in value.items())
        elif isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else enc(value) if isinstance(value, list) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def dec(data):
    """The fields of a message, as far as they are texts, messages (as bytes) or numbers: {number: [value ...]}."""
    out, at = {}, 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            b = data[at]
            at += 1
            n |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return n

    while at < len(data):
        tag = number()
        if tag & 7 == 2:
            n = number()
            value = data[at : at + n]
            at += n
        else:
            value = number()
        out.setdefault(tag >> 3, []).append(value)
    return out


def call(path, method, fields):
    """What a kubelet does: one call, its answer's fields."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(path)
    conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    conn.initiate_connection()
    body = enc(fields)
    conn.send_headers(
        1,
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/runtime.v1.RuntimeService/" + method),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ],
    )
    conn.send_data(1, struct.pack(">BI", 0, len(body)) + body, end_stream=True)
    got, trailers = b"", {}
    while True:
        s.sendall(conn.data_to_send())
        data = s.recv(65536)
        for e in conn.receive_data(data):
            if isinstance(e, h2.events.DataReceived):
                got += e.data
                conn.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
            elif isinstance(e, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                trailers.update(e.headers)
            if isinstance(e, h2.events.StreamEnded):
                s.close()
                if trailers.get("grpc-status") != "0":
                    raise SystemExit(f"{method}: {trailers}")
                return dec(got[5:])
        if not data:
            raise SystemExit(f"{method}: the connection ended")


def _connection(s, answer):
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    conn.initiate_connection()
    asked = {}
    try:
        s.sendall(conn.data_to_send())
        while data := s.recv(65536):
            for e in conn.receive_data(data):
                if isinstance(e, h2.events.RequestReceived):
                    asked[e.stream_id] = [dict(e.headers), b""]
                elif isinstance(e, h2.events.DataReceived):
                    asked[e.stream_id][1] += e.data
                    conn.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
                elif isinstance(e, h2.events.StreamEnded):
                    headers, body = asked.pop(e.stream_id)
                    status, message, more = answer(headers[":path"], headers, dec(body[5:]))
                    conn.send_headers(e.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
                    while message:  # as much at once as the peer takes
                        n = min(conn.local_flow_control_window(e.stream_id), conn.max_outbound_frame_size, len(message))
                        conn.send_data(e.stream_id, message[:n])
                        message = message[n:]
                        s.sendall(conn.data_to_send())
                    conn.send_headers(e.stream_id, [("grpc-status", str(status)), *more], end_stream=True)
            s.sendall(conn.data_to_send())
    except OSError:
        pass  # it has had enough
    s.close()


def listen(path, serve):
    """Calls serve(connection), in a thread of its own, for each connection to the socket."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)

    def accept():
        while True:
            s, _ = listener.accept()
            threading.Thread(target=serve, args=(s,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def serve(path, answer):
    """Answers on the socket from threads. answer(path, headers, fields): gRPC status, the body, further trailers."""
    listen(path, lambda s: _connection(s, answer))


def message(fields):
    """A message as it is sent."""
    body = fields if isinstance(fields, bytes) else enc(fields)
    return struct.pack(">BI", 0, len(body)) + body
