"""Start a team's MLflow server: runs and users in PostgreSQL, artefacts in S3, with passwords.

    MLFLOW_AUTH_ADMIN_PASSWORD=... python scripts/mlflow_server.py \
        --database postgresql://mlflow@127.0.0.1/mlflow --artifacts s3://BUCKET/mlflow

It listens on the loopback interface: put a proxy with TLS in front of it, and give the host name
that people type into their browsers with --allowed-host. PostgreSQL's password is read from
PGPASSWORD or ~/.pgpass, the keys for S3 from the AWS_... variables; none of them belongs on the
command line. Needs: pip install -e '.[server]'.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from urllib.parse import urlsplit

HOST = "127.0.0.1"
PASSWORD = "MLFLOW_AUTH_ADMIN_PASSWORD"
USERS = """[mlflow]
default_permission = READ
database_uri = {database}
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""
MAX_CONNECTIONS = 4  # of each of the server's processes


def arguments(given: list[str]) -> Namespace:
    """What the command line says; a mistake ends the program with code 2 and one sentence."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--database", required=True, help="postgresql://USER@HOST[:PORT]/NAME")
    parser.add_argument("--artifacts", required=True, help="s3://BUCKET/FOLDER")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2, help="processes of the server")
    parser.add_argument("--allowed-host", action="append", default=[], help="name of the proxy")
    asked = parser.parse_args(given)
    database = urlsplit(asked.database)
    if database.scheme != "postgresql" or not database.path.strip("/"):
        parser.error(f"--database must be postgresql://USER@HOST/NAME, not {database.scheme}://...")
    if database.password:
        parser.error("--database holds a password, which every user of this machine could read")
    if not os.environ.get(PASSWORD):
        parser.error(f"{PASSWORD} is not set: the password of the first user, admin")
    return asked


def command(asked: Namespace) -> list[str]:
    """MLflow's own command."""
    hosts = [f"{HOST}:{asked.port}", f"localhost:{asked.port}", *asked.allowed_host]
    return [
        *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
        *("--host", HOST, "--port", str(asked.port), "--workers", str(asked.workers)),
        *("--backend-store-uri", driven(asked.database)),
        *("--artifacts-destination", asked.artifacts),
        *("--allowed-hosts", ",".join(hosts)),
    ]


def driven(database: str) -> str:
    """Address with psycopg 3, whatever this SQLAlchemy takes ``postgresql`` for."""
    return database.replace("postgresql://", "postgresql+psycopg://", 1)


def main(given: list[str]) -> int:
    """Serve until interrupted."""
    asked = arguments(given)
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder) / "users.ini"
        users.write_text(USERS.format(database=driven(asked.database)), encoding="utf-8")
        environment = {
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(32),
            "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": str(MAX_CONNECTIONS),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            **os.environ,
            "MLFLOW_AUTH_CONFIG_PATH": str(users),
        }
        return subprocess.run(command(asked), env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
