"""In a Django test handlers use the ORM in the transaction of the test."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sock.testing import transaction

pytest.importorskip("django")

PROJECT = """
import sys
import threading
import types
import unittest

import django
from django.conf import settings

database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    DATABASES={"default": database},
    ROOT_URLCONF="no_urls",
)
sys.modules["no_urls"] = types.ModuleType("no_urls")
sys.modules["no_urls"].urlpatterns = []
django.setup()

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.test import TestCase, TransactionTestCase
from django.test.runner import DiscoverRunner

from sock import Sock, testing


class Members(Sock):
    threads = set()

    def count(self):
        self.threads.add(threading.current_thread())
        return str(User.objects.count())

    async def handle_in(self, name):
        if name:
            await User.objects.acreate(username=name)
        return await sync_to_async(self.count)()


class Tests:
    def setUp(self):
        User.objects.create(username="ada")

    def test_a_handler_sees_what_the_test_has_written_and_the_other_way_round(self):
        with testing.open(Members) as session:
            session.receive("")
            assert session.pushed() == ["1"]
            session.receive("bob")
            assert session.pushed() == ["2"]
            assert User.objects.filter(username="bob").exists()
            User.objects.create(username="eve")
            session.receive("")
            assert session.pushed() == ["3"]

    def test_what_handlers_write_is_gone_with_their_test(self):
        with testing.open(Members) as one, testing.open(Members) as other:
            one.receive("bob")
            other.receive("eve")
            assert (one.pushed(), other.pushed()) == (["2"], ["3"])
        assert User.objects.count() == 3

    def test_an_error_of_the_database_leaves_the_connection_as_it_was(self):
        with testing.open(Members) as session:
            session.receive("x" * 10, "x" * 10)
            assert type(session.error).__name__ == "IntegrityError"
        assert not connection.allow_thread_sharing

    def tearDown(self):
        assert threading.current_thread() not in Members.threads


class InATransaction(Tests, TestCase):
    pass


class Without(Tests, TransactionTestCase):
    pass


class Runner(DiscoverRunner):
    def build_suite(self, *given, **named):
        suite = unittest.TestSuite()
        for case in (InATransaction, Without):
            suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
        return suite


sys.exit(Runner().run_tests([]))
"""


def test_handlers_work_in_djangos_test_cases():
    done = subprocess.run(
        [sys.executable, "-c", PROJECT], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 6 tests" in done.stderr


class Lent:
    alias = "default"
    in_atomic_block = True


def test_another_thread_than_asgirefs_is_left_alone():
    def call():
        """Do nothing."""

    with ThreadPoolExecutor(1) as threads:
        assert transaction.sharing([Lent()], threads, call) is call
    assert transaction.sharing([Lent()], None, call) is call


def test_without_a_transaction_nothing_is_lent():
    from asgiref.sync import SyncToAsync

    assert (
        transaction.sharing([], SyncToAsync.single_thread_executor, asyncio.sleep) is asyncio.sleep
    )


IMPORTED = """
import django.db
from sock import Sock, testing

class Echo(Sock):
    def handle_in(self, message):
        return message

with testing.open(Echo) as session:
    session.receive("hi")
    assert session.pushed() == ["hi"]
"""


def test_a_django_that_is_imported_and_not_configured_is_left_alone():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORTED],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
