"""A Rowgate server of its own for a test class: the real binary, an empty store, a free port."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from workos import WorkOSClient

CLIENTS = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("ROWGATE_BIN", str(CLIENTS.parent / "target" / "debug" / "rowgate"))
START_LIMIT = 20
STOP_LIMIT = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server; `stop()` ends it."""

    def __init__(self, api_key="sk_test_of_the_clients"):
        self.api_key = api_key
        self.directory = tempfile.mkdtemp(prefix="rowgate-clients-")
        self.log = open(os.path.join(self.directory, "log"), "w+", encoding="utf-8")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        store = os.path.join(self.directory, "store")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--listen", f"127.0.0.1:{port}", "--store", f"file:{store}"],
            env={**os.environ, "ROWGATE_API_KEY": api_key},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + START_LIMIT
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                self.log.seek(0)
                raise RuntimeError(f"the server did not start\n{self.log.read()}")
            time.sleep(0.025)

    def _ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as response:
                return response.status == 200
        except OSError:
            return False

    def sdk(self, api_key=None):
        """A client as an application makes it."""
        return WorkOSClient(api_key=api_key or self.api_key, client_id="client_tests", base_url=self.url)

    def request(self, method, path, body=None):
        """A request without the SDK, for what it does not cover: the status and the decoded answer."""
        text = isinstance(body, str)
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else (body if text else json.dumps(body)).encode(),
            headers={
                "Authorization": f"Bearer {self.api_key}",
                "Content-Type": "text/plain" if text else "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read() or "null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or "null")

    def apply_schema(self, source):
        """Replaces the schema: its text is converted, then applied, as the command line does it."""
        status, converted = self.request("POST", "/fga/v1/schemas/convert", source)
        assert status == 200, converted
        body = {"resource_types": converted["resource_types"], "policies": converted.get("policies")}
        status, applied = self.request("POST", "/fga/v1/schema", body)
        assert status == 200, applied

    def stop(self):
        self.process.terminate()
        try:
            code = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.log.seek(0)
        log = self.log.read()
        self.log.close()
        shutil.rmtree(self.directory)
        if code != 0:
            raise RuntimeError(f"the server ended with {code}\n{log}")


class ServerTest(unittest.TestCase):
    """Tests that share a server with the suites' schema."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.server.apply_schema((CLIENTS / "schema.txt").read_text(encoding="utf-8"))
        cls.fga = cls.server.sdk().fga

    @staticmethod
    def warrant(resource, relation, subject, policy=None, op=None):
        """A warrant as the batch call takes it, from `type:id` and `type:id#relation`."""
        resource_type, _, resource_id = resource.partition(":")
        warrant = {
            "resource_type": resource_type,
            "resource_id": resource_id,
            "relation": relation,
            "subject": ServerTest.subject(subject),
        }
        if policy is not None:
            warrant["policy"] = policy
        if op is not None:
            warrant["op"] = op
        return warrant

    @staticmethod
    def subject(text):
        text, _, relation = text.partition("#")
        subject_type, _, subject_id = text.partition(":")
        return {"resource_type": subject_type, "resource_id": subject_id, "relation": relation or None}

    @staticmethod
    def check(resource, relation, subject, context=None):
        """A check as the client takes it."""
        check = ServerTest.warrant(resource, relation, subject)
        if context is not None:
            check["context"] = context
        return check

    def refused(self, exception, code, parameter=None):
        """Expects an exception of the client with the code of the answer."""
        test = self

        class Expectation:
            def __enter__(self):
                self.manager = test.assertRaises(exception)
                self.caught = self.manager.__enter__()

            def __exit__(self, *details):
                handled = self.manager.__exit__(*details)
                error = self.caught.exception
                test.assertEqual(error.code, code)
                test.assertTrue(error.message and error.message != "No message")
                test.assertTrue(error.request_id)
                if parameter is not None:
                    test.assertEqual(error.response_json["parameter"], parameter)
                return handled

        return Expectation()
