# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests. They drive the built program from outside, with real clients."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import support  # noqa: E402


def pytest_sessionstart(session):
    if not support.BINARY.exists():
        pytest.exit("there is no program at %s: build it (scripts/test does) or set PENSTOCK_BIN" % support.BINARY, 2)


def pytest_report_header(config):
    return "penstock: %s" % support.BINARY


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A development CA with a server and a client certificate."""
    folder = tmp_path_factory.mktemp("certs")
    subprocess.run([str(support.ROOT / "certs/make-certs"), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def foreign_certificates(tmp_path_factory):
    """The same from an authority that nobody trusts."""
    folder = tmp_path_factory.mktemp("foreign")
    subprocess.run([str(support.ROOT / "certs/make-certs"), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The captures and logs of the rehearsed plant: attack.pcap, attack.log, normal.pcap, normal.log."""
    folder = tmp_path_factory.mktemp("rehearsal")
    answer = support.penstock("demo", "--export", folder)
    assert answer.returncode == 0, answer.stderr.decode()
    for name in ("attack.pcap", "attack.log", "normal.pcap", "normal.log"):
        assert (folder / name).stat().st_size > 1000, name
    return folder


@pytest.fixture(scope="session")
def cases():
    """The third-party cases beside the project, where they are."""
    if not support.CASES.is_dir():
        pytest.skip("the cases are not at %s" % support.CASES)
    return support.CASES


class Factory:
    """Makes services, and at the end stops those that the test left running."""

    def __init__(self, folder, certificates):
        self.folder, self.certificates, self.services = folder, certificates, []

    def configuration(self, **changes):
        """A whole configuration on free ports; `changes` replace its top-level keys."""
        udp, tcp, tls, http_port = support.free_ports(4)
        configuration = {
            "data": str(self.folder / "data"),
            "lanes": 1,
            "listeners": [
                {"name": "udp", "transport": "udp", "address": "127.0.0.1:%d" % udp},
                {"name": "tcp", "transport": "tcp", "address": "127.0.0.1:%d" % tcp, "framing": "auto"},
                {"name": "tls", "transport": "tls", "address": "127.0.0.1:%d" % tls, "tls": {
                    "certificate": str(self.certificates / "server.pem"), "key": str(self.certificates / "server.key"),
                    "client_ca": str(self.certificates / "ca.pem"), "client_certificate": "optional"}},
            ],
            "outputs": {"lake": {"directory": str(self.folder / "lake"), "flush_interval": "1s",
                                 "compression": "zstd"}},
            "correlation": {"out_of_order": "2s"},
            "http": {"address": "127.0.0.1:%d" % http_port},
            "log": {"level": "info"},
        }
        configuration.update(changes)
        return configuration

    def start(self, configuration=None, wait=True):
        configuration = configuration or self.configuration()
        http_port = int(configuration["http"]["address"].rpartition(":")[2])
        service = support.Service(self.folder, configuration, http_port)
        for listener in configuration["listeners"]:
            setattr(service, listener["name"], int(listener["address"].rpartition(":")[2]))
        service.lake = pathlib.Path(configuration["outputs"]["lake"]["directory"])
        service.certificates = self.certificates
        self.services.append(service)
        return service.wait_ready() if wait else service

    def close(self):
        for service in self.services:
            service.kill()


@pytest.fixture
def factory(tmp_path, certificates):
    made = Factory(tmp_path, certificates)
    yield made
    made.close()


@pytest.fixture
def service(factory):
    """A service with all listeners and a lake; the test may stop it itself. It must end well in any case."""
    running = factory.start()
    yield running
    assert running.stop() == 0, running.log()


class Attacked:
    """What an attack left behind: the lake and the sinks of a service that was stopped afterwards."""


def attack(folder, certificates, exported, siem=None, soc=None, **changes):
    """Plays the attack in the order of time, by Python's own sockets and TLS, through one service."""
    factory, made = Factory(folder, certificates), Attacked()
    made.exported = exported
    configuration = factory.configuration(**changes)
    pipe = folder / "sensor.pcap"
    os.mkfifo(pipe)
    configuration["sensors"] = [{"name": "span", "file": str(pipe)}]
    # Six times as fast as it happened: two seconds of delay are twelve of event time.
    configuration["correlation"] = {"lateness": "12s"}
    if siem:
        configuration["outputs"]["feeds"] = [{
            "name": "siem", "format": "cef", "transport": "tcp", "address": "127.0.0.1:%d" % siem.port,
            "framing": "lf", "header": "rfc5424"}]
    if soc:
        configuration["outputs"]["webhooks"] = [{
            "name": "soc", "url": "http://127.0.0.1:%d/sns" % soc.port,
            "topic_arn": "arn:aws:sns:eu-central-1:000000000000:ot-incidents"}]
    service = factory.start(configuration)
    try:
        made.messages = support.play(service, exported, "attack", pipe, speed=6)
        support.eventually(
            lambda: any(all(d in str(record) for d in support.DETECTIONS)
                        for record in support.incidents(service.lake).values()),
            120, "an incident with all four detections")
        # The incident may be there before the last of the lines is.
        support.becomes(lambda: service.count("penstock_received_messages_total"), len(made.messages), "all lines")
        made.metrics, made.service, made.lake, made.siem, made.soc = service.metrics(), service, service.lake, siem, soc
        made.status = service.stop()
        if siem:
            siem.drain()
        return made
    except AssertionError as error:
        raise AssertionError("%s\n%s" % (error, service.log())) from None
    finally:
        factory.close()


@pytest.fixture(scope="session")
def attacked(tmp_path_factory, certificates, exported):
    """One attack with all outputs, shared by the tests that look at what came of it."""
    siem, soc = support.LineSink(), support.WebhookSink()
    yield attack(tmp_path_factory.mktemp("attacked"), certificates, exported, siem, soc)
    siem.close()
    soc.close()
