"""A RabbitMQ of the test's own: its node, ports and folders touch no other."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(program: Path, folder: Path) -> Iterator[str]:
    """Start a node below `folder` and give its address."""
    port, node = free_port(), f"portal-test-{os.getpid()}@localhost"
    env = {
        **os.environ,
        "HOME": str(folder),
        "RABBITMQ_NODENAME": node,
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "ERL_EPMD_PORT": str(free_port()),
    }
    server = subprocess.Popen(
        [str(program)], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert server.stdout is not None
        heard = []
        for line in server.stdout:
            heard.append(line)
            if "Server startup complete" in line or "completed with" in line:
                break
        else:
            raise AssertionError(f"RabbitMQ did not start:\n{''.join(heard)}")
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        server.terminate()
        server.wait(timeout=30)
        # Erlang's port mapper, which the node started on a port of its own, would stay.
        subprocess.run(["epmd", "-kill"], env=env, check=False, stdout=subprocess.DEVNULL)
