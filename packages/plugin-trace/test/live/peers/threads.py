# SPDX-License-Identifier: MIT
"""An HTTP server with a thread per connection. `threads.py backend` answers; `threads.py proxy PORT` asks the one at PORT first.

Paths say which request is which: /r/7 is answered with the help of /b/7. The port is told on stdout.
"""
import http.client
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

upstream = int(sys.argv[2]) if len(sys.argv) > 2 else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"hello"
        if upstream is not None:
            connection = http.client.HTTPConnection("127.0.0.1", upstream)
            connection.request("GET", self.path.replace("/r/", "/b/"))
            body = connection.getresponse().read()
            connection.close()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
