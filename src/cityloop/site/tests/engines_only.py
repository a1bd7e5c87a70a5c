"""A city of engines alone: what `cityloop up` does before its own processes are started."""

import socket
import sys

from cityloop.kernel.errors import CityloopError
from cityloop.site.configuration import load
from cityloop.site.language import sentence, speak
from cityloop.site.supervisor import Supervisor
from cityloop.site.up import City


class EnginesOnly(City):
    """Starts no process but the engines."""

    def _start_city(self, _supervisor: Supervisor, _listener: socket.socket) -> bool:
        sys.stdout.write("up\n")
        sys.stdout.flush()
        return True


if __name__ == "__main__":
    speak("en")
    try:
        sys.exit(EnginesOnly(load()).run())
    except CityloopError as error:
        sys.stdout.write(sentence(error) + "\n")
        sys.exit(1)
