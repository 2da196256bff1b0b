"""An OpenTelemetry collector that keeps what it is sent.

It reads OTLP by the field numbers of opentelemetry-proto and not by our own
.proto, which it is there to check.
"""

import dataclasses
import http.server
import struct
import threading

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclasses.dataclass
class Span:
    """A span as a collector sees it; ids are hex."""
    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    took: int  # nanoseconds
    attributes: dict
    is_error: bool


def varint(data, at):
    """The number at `at`, and what comes behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """A Protobuf message as {field: [values]}; what is in them is for the caller."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        elif kind == 5:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        else:
            raise ValueError(f"no Protobuf: wire type {kind}")
        found.setdefault(tag >> 3, []).append(value)
    return found


def attributes(key_values):
    """KeyValue messages as {key: value}."""
    found = {}
    for key_value in map(fields, key_values):
        value = fields(key_value[2][0])
        found[key_value[1][0].decode()] = (
            value[1][0].decode() if 1 in value else value.get(3, [0])[0])
    return found


def spans_of(request):
    """The spans of an ExportTraceServiceRequest."""
    for resource_spans in map(fields, fields(request).get(1, [])):
        resource = attributes(fields(resource_spans[1][0])[1])
        for scope_spans in map(fields, resource_spans[2]):
            for span in map(fields, scope_spans[2]):
                yield Span(
                    service=resource["service.name"],
                    name=span[5][0].decode(),
                    kind=KINDS[span[6][0]],
                    trace_id=span[1][0].hex(),
                    span_id=span[2][0].hex(),
                    parent_id=span.get(4, [b""])[0].hex(),
                    took=span[8][0] - span[7][0],
                    attributes=attributes(span.get(9, [])),
                    is_error=fields(span.get(15, [b""])[0]).get(3, [0])[0] == 2)


class Collector:
    """Takes POST /v1/traces on loopback from whoever has the token."""

    token = "Bearer collector-token"

    def __init__(self):
        collector = self
        self._lock = threading.Lock()
        self._spans = []
        self.refused = []  # requests that were not as they should be

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector._take(self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                del args

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _take(self, path, headers, body):
        if (path != "/v1/traces" or headers["Authorization"] != self.token
                or headers["Content-Type"] != "application/x-protobuf"):
            self.refused.append((path, headers["Content-Type"]))
            return 400
        with self._lock:
            self._spans += spans_of(body)
        return 200

    def spans(self, trace_id=None):
        """All spans, or those of one journey."""
        with self._lock:
            return [s for s in self._spans if trace_id in (None, s.trace_id)]
