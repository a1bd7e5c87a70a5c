import itertools
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.site.ports import PortForbiddenError, free_port, listening_socket
from cityloop.site.supervisor import ChildNotReadyError, ChildSpec, Stage, Supervisor
from cityloop.site.supervisor import supervisor as supervising
from cityloop.site.supervisor.child import REST_S_MAX, REST_S_MIN, rest_s
from cityloop.site.supervisor.lock import AlreadyRunningError, Lock, holder
from cityloop.site.supervisor.state import read_state

LISTEN = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('up', flush=True); signal.pause()"
)
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    said: list[str] = []
    made = Supervisor(state_file=tmp_path / "state.json", say=said.append, about={"address": "here"})
    made.said = said  # type: ignore[attr-defined]
    yield made
    made.stop_all()


def spec(tmp_path: Path, name: str, code: str, *, stage: Stage = Stage.CITY, stop_s: float = 10.0) -> ChildSpec:
    log = tmp_path / f"{name}.log"
    return ChildSpec(
        name=name,
        command=(sys.executable, "-c", code),
        log=log,
        stage=stage,
        environment=os.environ,
        folder=tmp_path,
        ready=lambda: log.exists() and "up" in log.read_text(),
        stop_s=stop_s,
    )


def test_a_killed_child_comes_back_and_is_counted(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(spec(tmp_path, "one", LISTEN))
    assert supervisor.wait_ready(child, deadline_s=20)
    first = child.pid
    assert first is not None
    child.process.kill()  # type: ignore[union-attr]
    while child.pid in {first, None}:
        supervisor.look()
    assert child.restarts == 1
    assert read_state(tmp_path)["processes"][0]["restarts"] == 1
    assert any("signal 9" in line for line in supervisor.said)  # type: ignore[attr-defined]


def test_a_disk_without_room_ends_no_city_and_is_told_when_there_is_room(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    child = supervisor.start(spec(tmp_path, "one", LISTEN))
    assert supervisor.wait_ready(child, deadline_s=20)
    first = child.pid
    in_the_way = tmp_path / f"state.{os.getpid()}.unfinished"
    in_the_way.mkdir()
    log_away = child.spec.log.rename(tmp_path / "away")
    child.spec.log.mkdir()
    child.process.kill()  # type: ignore[union-attr]
    while child.deaths < 2:
        supervisor.look()
    assert child.pid is None
    assert any("cannot be started" in line for line in supervisor.said)  # type: ignore[attr-defined]
    child.spec.log.rmdir()
    log_away.rename(child.spec.log)
    while child.pid is None:
        supervisor.look()
    assert read_state(tmp_path)["processes"][0]["pid"] == first
    in_the_way.rmdir()
    supervisor.look()
    assert read_state(tmp_path)["processes"][0]["pid"] == child.pid != first


def test_a_child_that_keeps_dying_is_given_up_while_starting_with_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    child = supervisor.start(spec(tmp_path, "bad", "raise SystemExit('no such thing')"))
    with pytest.raises(ChildNotReadyError, match="no such thing"):
        supervisor.wait_ready(child, deadline_s=20)


def test_children_are_stopped_stage_by_stage(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import signal, sys\n"
        "def end(*_):\n open({order!r}, 'a').write('{name}\\n'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); signal.pause()"
    )
    for name, stage in (("database", Stage.DATABASE), ("transport", Stage.TRANSPORT), ("city", Stage.CITY)):
        child = supervisor.start(spec(tmp_path, name, code.format(order=str(order), name=name), stage=stage))
        supervisor.wait_ready(child, deadline_s=20)
    supervisor.stop_all()
    assert order.read_text().split() == ["city", "transport", "database"]
    assert read_state(tmp_path)["processes"] == []


def test_a_child_that_does_not_heed_is_ended_hard(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(spec(tmp_path, "deaf", DEAF, stop_s=0.2))
    supervisor.wait_ready(child, deadline_s=20)
    supervisor.stop_all()
    assert child.process is None
    assert any("deaf" in line for line in supervisor.said)  # type: ignore[attr-defined]


def test_a_child_that_ends_by_itself_gives_its_code(supervisor: Supervisor, tmp_path: Path) -> None:
    assert supervisor.complete(spec(tmp_path, "step", "raise SystemExit(3)")) == 3
    assert supervisor.complete(spec(tmp_path, "step", "pass")) == 0


def test_a_grown_log_is_kept_once_and_begun_anew(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "LOG_BYTES_MAX", 100)
    child = supervisor.start(spec(tmp_path, "chatty", "print('x' * 200); " + LISTEN))
    supervisor.wait_ready(child, deadline_s=20)
    supervisor._logs_due_at = 0.0
    supervisor.look()
    assert (tmp_path / "chatty.log").stat().st_size == 0
    assert "x" * 200 in (tmp_path / "chatty.log.1").read_text()


@given(st.integers(min_value=0, max_value=10_000))
def test_the_rest_before_a_restart_never_shrinks_and_is_bounded(deaths: int) -> None:
    assert REST_S_MIN <= rest_s(deaths) <= rest_s(deaths + 1) <= REST_S_MAX


def test_a_lock_is_held_once_and_given_back(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    assert lock.stale_pid is None
    with pytest.raises(AlreadyRunningError, match=str(os.getpid())):
        Lock(tmp_path)
    assert holder(tmp_path) == os.getpid()
    lock.give_back()
    assert holder(tmp_path) is None


def test_a_lock_left_behind_bars_nobody_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text("4194305")
    assert holder(tmp_path) is None
    lock = Lock(tmp_path)
    assert lock.stale_pid == 4194305
    lock.give_back()


def test_a_port_that_may_not_be_used_is_named() -> None:
    with pytest.raises(PortForbiddenError, match=r"192\.0\.2\.1"):
        listening_socket("192.0.2.1", free_port(), what="web pages", setting="CITYLOOP_PORT")


def test_connections_wait_in_the_shared_socket_while_nobody_serves() -> None:
    port = free_port()
    with (
        listening_socket("127.0.0.1", port, what="web pages", setting="CITYLOOP_PORT") as listener,
        socket.create_connection(("127.0.0.1", port)) as early,
    ):
        early.sendall(b"hello")
        served, _ = listener.accept()
        with served:
            assert served.recv(5) == b"hello"


def test_stop_signals_ask_for_the_end(supervisor: Supervisor) -> None:
    kept = {number: signal.getsignal(number) for number in itertools.chain(supervising.STOP_SIGNALS, [signal.SIGCHLD])}
    try:
        supervisor.heed_signals()
        signal.raise_signal(signal.SIGHUP)
        supervisor.run()
        assert supervisor.stopping
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in kept.items():
            signal.signal(number, handler)
