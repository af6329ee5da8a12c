# SPDX-License-Identifier: Apache-2.0
"""One run: the generator against a receiver, and what it cost."""
import json
import os
import select
import subprocess
import time

import samples
from receivers import LEASH, Failure, kernel_drops
from scenarios import guess

LOSS = 0.001


class Child:
    """A process that ends with the driver: one of `setup.running` while it runs."""

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self in self.setup.running:
            self.setup.running.remove(self)


class Generator(Child):
    """The generator, connected and waiting for its start."""

    def __init__(self, setup, load, base=0):
        command = LEASH + ["taskset", "-c", setup.generator_cores, os.path.join(setup.tools, "generator"),
                           "--transport", load.transport, "--port", str(setup.port), "--senders", str(load.senders),
                           "--base", str(base), "--threads", str(min(load.threads, setup.generator_threads)), "--go",
                           "--lines", load.lines]
        if load.transport == "udp":
            command += ["--segments", str(load.segments)]
        if load.rate:
            command += ["--rate", str(load.rate)]
        command += ["--seconds", str(load.seconds)] if load.seconds else ["--count", str(load.count)]
        command += (["--spread"] if load.spread else []) + (["--lf"] if load.line_feed else [])
        self.setup = setup
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        start_new_session=True)
        setup.running.append(self)
        if not select.select([self.process.stdout], [], [], 30)[0] or self.process.stdout.readline() != b"ready\n":
            self.stop()
            raise Failure("the generator could not connect: %s" % self.process.stderr.read().decode().strip())

    def run(self, limit):
        """Sends everything; what was sent."""
        try:
            out, err = self.process.communicate(b"\n", timeout=limit)
        except subprocess.TimeoutExpired:
            raise Failure("the generator did not end within %d s" % limit)
        finally:
            self.stop()
        if self.process.returncode != 0:
            raise Failure("generator: %s" % err.decode().strip())
        return json.loads(out)


def settle(receiver, quiet, limit):
    """Waits until nothing more comes out; the CPU time when the last of it had come."""
    seen, since, cpu = receiver.progress(), time.monotonic(), receiver.cpu()
    end = since + limit
    while time.monotonic() < end:
        time.sleep(0.05)
        now = receiver.progress()
        if now != seen:
            seen, since, cpu = now, time.monotonic(), receiver.cpu()
        elif time.monotonic() - since > quiet:
            return cpu
    return receiver.cpu()


def check(setup, receiver, sent):
    """Counts what the receiver wrote: by sequence numbers, or only lines where it does not tell them."""
    command = [os.path.join(setup.tools, "checker"), "--base", str(sent["base"]), "--expected",
               ",".join(map(str, sent["senders"])), receiver.output]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)
    if result["lines"] and result["unreadable"] > result["lines"] / 2:
        raise Failure("%s: no sequence numbers in its output" % receiver.name)
    return result


def measure(setup, receiver, load):
    """One run against a receiver that is ready; a dictionary of what came of it."""
    receiver.reset()
    drops = kernel_drops(setup.port)[0]
    generator = Generator(setup, load)
    time.sleep(0.1)
    cpu = receiver.cpu()
    expected = load.seconds or (load.count / load.rate if load.rate else load.count / 40_000)
    sent = generator.run(expected * 3 + 20)
    # rsyslog and syslog-ng hold a last block back for a second.
    cpu = settle(receiver, 1.3 if receiver.writes else 0.4, 60) - cpu
    result = {"sent": sent["sent"], "bytes": sent["bytes"], "rate": sent["rate"], "seconds": sent["seconds"],
              "wanted": load.rate, "cpu": cpu, "generator_cpu": sent["cpu"]}
    if receiver.writes:
        counts = check(setup, receiver, sent)
        result.update(delivered=counts["distinct"], lost=counts["lost"], duplicated=counts["duplicated"],
                      out_of_order=counts["out_of_order"], unreadable=counts["unreadable"], written=counts["bytes"])
        # A message that comes twice would flatter neither: the cost is by distinct ones.
        if counts["lines"]:
            samples.check(receiver)
    elif hasattr(receiver, "counted"):
        messages, received = (now - then for now, then in zip(receiver.counted(), receiver.began))
        if load.transport != "udp":
            messages = sent["sent"] if received == sent["bytes"] else 0
        result.update(delivered=messages, lost=sent["sent"] - messages)
    else:
        result.update(delivered=sent["sent"], lost=0)
    result["kernel_drops"] = kernel_drops(setup.port)[0] - drops
    result["peak"], result["resident"] = receiver.memory()
    result["cost"] = cpu / result["delivered"] * 1e6 if result["delivered"] else float("nan")
    return result


def warm_up(setup, receiver, load):
    """A little traffic first, so that buffers exist and code is loaded."""
    generator = Generator(setup, load.part(1) if load.count and load.count < 20_000 else _short(load))
    generator.run(30)
    settle(receiver, 1.2 if receiver.writes else 0.2, 20)
    receiver.reset()


def _short(load):
    short = load.at(100_000, 0.2) if load.transport == "udp" else load
    return short if short.seconds else short.part(20_000 / short.count)


def search(setup, receiver, load, seconds, resolution, confirmations, say):
    """The highest rate with less than 0.1 % loss, by bisection; each answer is confirmed."""
    steps = []

    def holds(rate):
        result = measure(setup, receiver, load.at(rate, seconds))
        steps.append(result)
        lost = result["lost"] / max(result["sent"], 1)
        short = result["rate"] < 0.97 * rate
        say("    %s %7.0f/s: sent %7.0f/s, lost %.3f %%, %.2f s/M" % (
            receiver.name, rate, result["rate"], 100 * lost, result["cost"]))
        # Where the generator itself falls short, its own rate counts.
        return lost < LOSS, short, result

    low, high, limited, rate, stalled = 0.0, 0.0, False, float(guess(receiver.name)), 0
    best = None
    for _ in range(14):
        fine, short, result = holds(rate)
        if fine:
            # A generator that cannot send what is asked for tells nothing new: a busy machine.
            stalled += short and result["rate"] <= low
            if stalled == 3:
                limited = True
                break
            low, best = max(low, min(rate, result["rate"])), result
            if short and not high:
                limited = True
                break
        else:
            high = rate
        if low and high:
            if high / low < 1 + resolution:
                break
            rate = (low * high) ** 0.5
        else:
            rate = rate * 1.3 if fine else rate / 1.3
        if rate < 2000:
            break
    for _ in range(5):
        if not low or limited:
            break
        for _ in range(confirmations):
            fine, _, result = holds(low)
            if not fine:
                break
            best = result
        if fine:
            break
        low *= 0.95
    else:
        low = 0.0
    return {"highest": low, "limited": limited, "cost": best["cost"] if best else float("nan"),
            "peak": receiver.memory()[0], "steps": len(steps)}
