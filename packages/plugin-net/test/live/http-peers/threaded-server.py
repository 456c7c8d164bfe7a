# SPDX-License-Identifier: MIT
# Serves HTTP/1.1, a thread for each connection, and counts: `python3 threaded-server.py [CERT KEY]`, with them inside TLS.
# Prints its port; at a line on stdin, what it served: { "GET /path 200": count }.
import collections
import http.server
import json
import re
import ssl
import sys
import threading

served = collections.Counter()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are written apart: the latter would wait for the former's acknowledgement.
    disable_nagle_algorithm = True

    def answer(self):
        status = re.match(r"/status/(\d+)", self.path)
        size = re.search(r"size=(\d+)", self.path)
        status = int(status[1]) if status else 200
        body = b"x" * (int(size[1]) if size else 5)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        served[f"{self.command} {self.path.split('?')[0]} {status}"] += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = answer

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    # The handshake is each connection's own, in its thread.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
for _ in sys.stdin:
    print(json.dumps(served), flush=True)
