"""A server behind the proxy that holds every answer against the published document, and the client, sync and async, for the same tests."""

import asyncio
import inspect
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
AUTHORIZATION = HERE.parent
sys.path.insert(0, str(AUTHORIZATION.parent / "python"))

from server import Server  # noqa: E402
from workos import AsyncWorkOSClient, WorkOSClient  # noqa: E402

CLIENT_ID = "client_default"
NOT_FOR = json.loads((AUTHORIZATION / "not-for.json").read_text(encoding="utf-8"))["python"]

TYPES = {
    "types": [
        {"slug": "workspace", "parents": ["organization"]},
        {"slug": "project", "parents": ["workspace"]},
    ],
    "permissions": [
        {"slug": "org:manage"},
        {"slug": "project:view", "resource_type": "project"},
        {"slug": "project:edit", "resource_type": "project"},
    ],
    "roles": [
        {"slug": "admin", "permissions": ["org:manage", "project:view"]},
        {"slug": "member"},
        {"slug": "lead", "resource_type": "workspace", "permissions": ["project:view", "project:edit"]},
        {"slug": "editor", "resource_type": "project", "permissions": ["project:view", "project:edit"]},
    ],
}


class Behind:
    """A server behind the proxy."""

    def __init__(self):
        self.server = Server()
        main = AUTHORIZATION / "conformance" / "main.mjs"
        self.proxy = subprocess.Popen(
            ["node", str(main), self.server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self.proxy.stdout.readline().strip()
        assert self.url, "the proxy did not start"
        status, answer = self.server.request("PUT", "/rowgate/v1/authorization/types", TYPES)
        assert status == 200, answer

    def problems(self):
        """What was wrong with the answers since this was asked last."""
        self.proxy.stdin.write("\n")
        self.proxy.stdin.flush()
        return json.loads(self.proxy.stdout.readline())

    def stop(self):
        self.proxy.stdin.close()
        self.proxy.wait(10)
        self.proxy.stdout.close()
        self.server.stop()


class Watched:
    """A module of a client. It notes which methods are called, and waits for those of the async client."""

    def __init__(self, name, module, called, run):
        self._name, self._module, self._called, self._run = name, module, called, run

    def __getattr__(self, name):
        method = getattr(self._module, name)

        def call(*args, **options):
            self._called.add(f"{self._name}.{name}")
            return self._run(method(*args, **options))

        return call

    def methods(self):
        """The public methods, as the class has them."""
        members = inspect.getmembers(type(self._module), inspect.isfunction)
        return [f"{self._name}.{name}" for name, _ in members if not name.startswith("_")]


class ClientTest(unittest.TestCase):
    """Tests of one class run in order of their names, on one server, with the sync client or with the async one."""

    asynchronous = False
    modules = ()

    @classmethod
    def setUpClass(cls):
        cls.behind = Behind()
        cls.addClassCleanup(cls.behind.stop)
        cls.loop = asyncio.new_event_loop()
        cls.addClassCleanup(cls.loop.close)
        cls.called = set()
        cls.client = cls.connect(cls.behind.server.api_key)
        for name in cls.modules:
            setattr(cls, name, Watched(name, getattr(cls.client, name), cls.called, cls.wait))

    @classmethod
    def connect(cls, api_key):
        """A client as an application makes it. Only the address is another one."""
        make = AsyncWorkOSClient if cls.asynchronous else WorkOSClient
        client = make(api_key=api_key, client_id=CLIENT_ID, base_url=cls.behind.url)
        cls.addClassCleanup(lambda: cls.wait(client.close()))
        return client

    @classmethod
    def wait(cls, value):
        """The value, also of a method of the async client."""

        async def result():
            return await value

        return cls.loop.run_until_complete(result()) if inspect.isawaitable(value) else value

    def rows(self, page):
        """All rows of a list, page by page."""
        if not self.asynchronous:
            return list(page.auto_paging_iter())

        async def collect():
            return [row async for row in page.auto_paging_iter()]

        return self.loop.run_until_complete(collect())

    def tearDown(self):
        self.assertEqual(self.behind.problems(), [])

    def all_called(self, at_least):
        """Fails when a method was not called that Rowgate is for."""
        methods = [method for name in self.modules for method in getattr(self, name).methods()]
        self.assertGreaterEqual(len(methods), at_least)
        excluded = {method for listed in NOT_FOR.values() for method in listed}
        self.assertEqual([m for m in methods if m not in self.called and m not in excluded], [])


def load(*tests):
    """Each test case for the sync client and for the async one."""
    suite = unittest.TestSuite()
    for test in tests:
        for asynchronous in (False, True):
            kind = "Async" if asynchronous else "Sync"
            case = type(f"{kind}{test.__name__}", (test,), {"asynchronous": asynchronous, "__module__": test.__module__})
            suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    return suite


# The variable that other parts of the environment set would override what the tests say.
os.environ.pop("WORKOS_API_KEY", None)
