# SPDX-License-Identifier: Apache-2.0
"""Senders of whom more is known than their messages say: the zone of their clock, and their header."""
import datetime
import os
import signal

import pytest
import support
from receiving import arrived, events, settings

INPUTS = {"berlin": {"transport": "udp"}, "other": {"transport": "tcp"}}


def hour(event):
    return datetime.datetime.fromtimestamp(event["time"] / 1000, datetime.timezone.utc).strftime("%H:%M")


def past(*days):
    """The first of some days that is not within the month to come: of a date without a year, that is the next one."""
    today = datetime.date.today()
    for month, day in days:
        date = datetime.date(today.year, month, day)
        if (date - today).days % 365 > 35:
            return date.strftime("%b ") + "%2d" % day
    raise AssertionError(days)


WINTER, SUMMER = past((1, 15), (11, 25)), past((7, 5), (5, 5))


def line(day, text):
    return ("<13>%s 12:00:00 host app: %s" % (day, text)).encode()


def test_dates_without_a_zone_are_the_sources(factory):
    configuration = settings(factory, INPUTS, sources=[
        {"inputs": "berlin", "time_zone": "CET-1CEST,M3.5.0,M10.5.0/3"}, {"peers": ["10.0.0.0/8"], "time_zone": "-05:00"}])
    service = factory.start(configuration)
    support.send_udp(service.berlin, [line(WINTER, "winter-1"), line(SUMMER, "summer-1"),
                                      b"<13>1 2026-07-05T12:00:00Z host app - - - named-1"])
    support.send_tcp(service.other, support.lines([line(WINTER, "utc-1")]))
    assert hour(arrived(service, "winter-1")[0]) == "11:00"
    assert hour(arrived(service, "summer-1")[0]) == "10:00"
    assert hour(arrived(service, "named-1")[0]) == "12:00"
    assert hour(arrived(service, "utc-1")[0]) == "12:00"
    # A reload brings another zone.
    configuration["sources"] = [{"peers": "127.0.0.0/8", "time_zone": "+02:00"}]
    service.write(configuration)
    service.signal(signal.SIGHUP)
    support.becomes(lambda: service.count("penstock_reloads_total", outcome="done"), 1, "the reload")

    def moved():
        # A lane takes the new settings over with its next batch.
        support.send_tcp(service.other, support.lines([line(WINTER, "moved-1")]))
        return "10:00" in {hour(event) for event in support.eventually(lambda: events(service, "moved-1"), 60, "it")}
    support.eventually(moved, 60, "the new zone", 0.5)
    assert service.stop() == 0, service.log()


@pytest.mark.skipif(not os.path.exists("/usr/share/zoneinfo/Europe/Berlin"), reason="no zone database")
def test_a_zone_of_the_machines_database(factory):
    service = factory.start(settings(factory, INPUTS, sources=[{"inputs": ["other"], "time_zone": "Europe/Berlin"}]))
    support.send_tcp(service.other, support.lines([line(SUMMER, "summer-2")]))
    assert hour(arrived(service, "summer-2")[0]) == "10:00"
    assert service.stop() == 0, service.log()


@pytest.mark.parametrize("source,fault", [
    ({"time_zone": "CET"}, "whose messages"), ({"peers": "10.0.0.0/33"}, "no address and no network"),
    ({"inputs": "nothing"}, "no listener and no file input"), ({"peers": "::1", "time_zone": "Mars/Base"}, "no time zone"),
    ({"peers": "::1", "time_zone": "../../etc/passwd"}, "no time zone"), ({"peers": "::1", "format": "syslog"}, "format"),
])
def test_faults_are_told_at_their_place(factory, source, fault):
    configuration = settings(factory, INPUTS, sources=[source])
    service = factory.start(configuration, wait=False)
    assert service.process.wait(60) == 1
    assert fault in service.log() and "penstock.yaml:" in service.log()
