"""A web process: uvicorn with uvloop and httptools on the listening socket that the supervisor holds.

The socket outlives the process: while one is started again, connections wait in the backlog or go to the others.
"""

import argparse
import os
import socket

import uvicorn

GOODBYE_S = 2
"""How long open connections (live feeds among them) may take to end, seconds."""

KEEP_ALIVE_S = 75
"""How long an idle connection is kept, seconds: longer than the 60 s of common proxies."""


def main() -> None:
    """Serve until asked to stop."""
    parser = argparse.ArgumentParser(prog="cityloop.site.web")
    parser.add_argument("--fd", type=int, required=True, help="number of the inherited listening socket")
    parser.add_argument("--name", required=True, help="name of this process")
    arguments = parser.parse_args()
    os.environ["CITYLOOP_PROCESS"] = arguments.name
    listener = socket.socket(fileno=arguments.fd)
    config = uvicorn.Config(
        "cityloop.site.asgi:application",
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GOODBYE_S,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
