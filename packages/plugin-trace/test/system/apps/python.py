# SPDX-License-Identifier: MIT
"""A service of threads that knows nothing of tracing: one thread for each connection, whose own connections go with it.

The path of a request says where in its call tree it is. Where the others are is told by the environment.
"""

import http.client
import http.server
import os
import threading

NODE, MARIADB = os.environ["NODE"], os.environ.get("MARIADB")
if MARIADB:
    import pymysql

of_thread = threading.local()


def ask_node(place):
    if not hasattr(of_thread, "node"):
        of_thread.node = http.client.HTTPConnection(NODE, 8080, timeout=30)
    of_thread.node.request("GET", place + "/node")
    response = of_thread.node.getresponse()
    response.read()
    if response.status != 200:
        raise RuntimeError(f"{place}/node: {response.status}")


def ask_mariadb(place):
    if not hasattr(of_thread, "mariadb"):
        of_thread.mariadb = pymysql.connect(host=MARIADB, user="app", autocommit=True)
    with of_thread.mariadb.cursor() as cursor:
        cursor.execute(f"/* {place}/mariadb */ SELECT 40 + 2")
        cursor.fetchall()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if MARIADB:
            ask_mariadb(self.path)
        ask_node(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"done\n")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


Server(("", 8080), Handler).serve_forever()
