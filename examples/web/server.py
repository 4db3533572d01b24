"""A web server on Python's standard library, for the example in service.toml."""

import http.server
import os
import signal
import sys


class Hello(http.server.BaseHTTPRequestHandler):
    """Answers every GET with a greeting and its own process id; /crash ends the program with status 3."""

    def do_GET(self):
        if self.path == "/crash":
            print("crashing because I was asked to", flush=True)
            os._exit(3)
        body = f"hello from process {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    port = int(os.environ.get("PORT", "8080"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Hello)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    try:
        server.serve_forever()
    finally:
        print("stopped", flush=True)


if __name__ == "__main__":
    main()
