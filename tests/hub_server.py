"""A small Hugging Face hub on loopback: models as folders, one of them gated."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub(
    models: dict[str, Path], *, gated: tuple[str, ...] = (), token: str = "hf_right"
) -> Iterator[tuple[str, list[str]]]:
    """Serve models.

    Args:
        models: hub id → folder; a data set's id has `datasets/` before it.
        gated: ids that want the token.
        token: the one that opens them.

    Yields:
        The endpoint, and the list of requests as they come in (`"GET /path"`).
    """
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_POST(self) -> None:
            """`paths-info`: what is known of the files that the request names."""
            requests.append(f"POST {self.path}")
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            wanted = json.loads(content)["paths"]
            name = self.path.removeprefix("/api/").removeprefix("models/").partition("/paths-info/")[0]
            self._send(200, json.dumps([e for e in self._entries(name) if e["path"] in wanted]).encode(), True)

        def _entries(self, name: str) -> list[dict[str, object]]:
            files = [file for file in sorted(models[name].rglob("*")) if file.is_file()]
            return [
                {
                    "type": "file",
                    "path": f.relative_to(models[name]).as_posix(),
                    "size": f.stat().st_size,
                    "oid": "0" * 40,
                }
                for f in files
            ]

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, *args: object) -> None:
            pass

        def _answer(self, *, body: bool) -> None:
            requests.append(f"{self.command} {self.path}")
            path = self.path.split("?")[0].removeprefix("/")
            if path in ("", "api"):
                self._send(200, b"", body)
            elif path.startswith("api/models/"):
                self._model(path.removeprefix("api/models/"), body)
            elif path.startswith("api/datasets/"):
                self._model(path.removeprefix("api/"), body)
            elif "/resolve/" in path:
                self._file(*path.split("/resolve/"), body=body)
            else:
                self._refuse(404, "RepoNotFound", body)

        def _model(self, path: str, body: bool) -> None:
            name, _, _ = path.partition("/revision/")
            name = name.partition("/tree/")[0]
            if not self._allowed(name, body):
                return
            entries = self._entries(name)
            if "/tree/" in path:
                self._send(200, json.dumps(entries).encode(), body, kind="application/json")
                return
            info = {"id": name, "modelId": name, "sha": COMMIT, "siblings": [{"rfilename": e["path"]} for e in entries]}
            self._send(200, json.dumps(info).encode(), body, kind="application/json")

        def _file(self, name: str, rest: str, *, body: bool) -> None:
            if not self._allowed(name, body):
                return
            revision, _, file = rest.partition("/")
            path = models[name] / file
            if revision not in ("main", COMMIT):
                self._refuse(404, "RevisionNotFound", body)
            elif not path.is_file():
                self._refuse(404, "EntryNotFound", body)
            else:
                self._send(200, path.read_bytes(), body, etag=True)

        def _allowed(self, name: str, body: bool) -> bool:
            if name not in models:
                self._refuse(404, "RepoNotFound", body)
                return False
            if name in gated and self.headers.get("Authorization") != f"Bearer {token}":
                self._refuse(403, "GatedRepo", body)
                return False
            return True

        def _refuse(self, status: int, code: str, body: bool) -> None:
            self._send(status, json.dumps({"error": code}).encode(), body, error=code, kind="application/json")

        def _send(
            self,
            status: int,
            content: bytes,
            body: bool,
            *,
            etag: bool = False,
            error: str = "",
            kind: str = "text/plain",
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Repo-Commit", COMMIT)
            if etag:
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            if error:
                self.send_header("X-Error-Code", error)
                self.send_header("X-Error-Message", error)
            self.end_headers()
            if body:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
