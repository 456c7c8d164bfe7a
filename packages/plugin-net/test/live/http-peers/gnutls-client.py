# SPDX-License-Identifier: MIT
# Asks a server in TLS, with the libcurl that is linked to GnuTLS: `python3 gnutls-client.py PORT REQUESTS`, beginning at a line on
# stdin. Prints `ready`, and when it has all answers what it asked for and got: { "GET /path 200": count }.
import collections
import ctypes
import json
import sys

CURLOPT_WRITEFUNCTION, CURLOPT_URL, CURLOPT_SSL_VERIFYPEER, CURLOPT_SSL_VERIFYHOST = 20011, 10002, 64, 81
CURLOPT_HTTP_VERSION, HTTP_1_1, CURLINFO_RESPONSE_CODE = 84, 2, 0x200002

curl = ctypes.CDLL("libcurl-gnutls.so.4")
curl.curl_easy_init.restype = ctypes.c_void_p
discard = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)(
    lambda data, size, count, context: size * count
)
handle = ctypes.c_void_p(curl.curl_easy_init())


def option(number, value):
    if curl.curl_easy_setopt(handle, ctypes.c_int(number), value) != 0:
        sys.exit(f"option {number} is refused")


option(CURLOPT_SSL_VERIFYPEER, ctypes.c_long(0))
option(CURLOPT_SSL_VERIFYHOST, ctypes.c_long(0))
option(CURLOPT_HTTP_VERSION, ctypes.c_long(HTTP_1_1))
option(CURLOPT_WRITEFUNCTION, discard)
print("ready", flush=True)
sys.stdin.readline()
got = collections.Counter()
for index in range(int(sys.argv[2])):
    path = ["/a", "/status/404", "/large"][index % 3]
    query = "?size=60000" if path == "/large" else ""
    option(CURLOPT_URL, ctypes.c_char_p(f"https://127.0.0.1:{sys.argv[1]}{path}{query}".encode()))
    error = curl.curl_easy_perform(handle)
    if error != 0:
        sys.exit(f"curl failed: {error}")
    status = ctypes.c_long()
    curl.curl_easy_getinfo(handle, ctypes.c_int(CURLINFO_RESPONSE_CODE), ctypes.byref(status))
    got[f"GET {path} {status.value}"] += 1
curl.curl_easy_cleanup(handle)
print(json.dumps(got), flush=True)
