"""A real Unleash 7 with a PostgreSQL of its own, on the loopback interface."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.servers import Launch, free_port, running
from tests.node_programs import installed
from tests.postgres_server import postgresql

HERE = Path(__file__).parent / "unleash"
ADMIN, BACKEND = "*:*.a-token-of-the-tests", "default:development.a-token-of-the-tests"
READERS = {"development": BACKEND, "production": "default:production.a-token-of-the-tests"}


@dataclass(frozen=True)
class Unleash:
    """Where it answers, and the tokens of its admin API and of backend clients."""

    url: str
    admin: str = ADMIN
    backend: str = BACKEND


@contextmanager
def unleash(home: Path) -> Iterator[Unleash]:
    """An empty Unleash; its log is in ``home``.

    Raises:
        NodeMissing: Node or its packages cannot be had here.
    """
    node, port = installed(HERE), free_port()
    settings = {
        "DATABASE_SSL": "false",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(port),
        "CHECK_VERSION": "false",
        "SEND_TELEMETRY": "false",
        "INIT_ADMIN_API_TOKENS": ADMIN,
        "INIT_BACKEND_API_TOKENS": ",".join(READERS.values()),
    }
    url = f"http://127.0.0.1:{port}"
    server = HERE / "node_modules" / "unleash-server" / "dist" / "server.js"
    with postgresql() as database:
        launch = Launch([node, str(server)], {"DATABASE_URL": database, **settings}, url, "/health")
        with running(launch, home):
            yield Unleash(url)
