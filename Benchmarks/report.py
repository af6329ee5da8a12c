# SPDX-License-Identifier: Apache-2.0
"""What was measured, as Markdown, and whether the targets are met."""
import os
import statistics

import correlation
import scenarios

MEMORY = 64 << 20


def machine(setup):
    """The machine that the figures hold for."""
    model = "?"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    with open("/proc/loadavg") as f:
        load = f.read().split()[0]
    versions = ""
    path = os.path.join(setup.peers, "versions")
    if os.path.exists(path):
        with open(path) as f:
            versions = ", ".join(line.strip() for line in f if line.startswith(("rsyslog ", "syslog-ng-core ")))
    versions = ", ".join(part for part in (versions, correlation.version()) if part)
    return {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release, "load": load, "peers": versions,
            "receiver_cores": setup.receiver_cores, "generator_cores": setup.generator_cores}


def median(runs, key):
    """The median of a figure, or None."""
    values = [r[key] for r in runs if r.get(key) is not None and r[key] == r[key]]
    return statistics.median(values) if values else None


def cheapest(found, prefix, key="cost", best=min):
    """The best median of a receiver's variants, with the variant's name; (None, None) where it was not measured.

    A variant that lost more than 1 % counts only when all did: what is thrown away early costs little.
    """
    values = [(median(runs, key), name) for name, runs in found.items() if runs and name.startswith(prefix)]
    values = [v for v in values if v[0] is not None and not v[1].endswith(("-null", "-sd"))]
    whole = [v for v in values if all(r.get("lost", 0) <= 0.01 * r.get("sent", 1) for r in found[v[1]])]
    return best(whole or values) if values else (None, None)


def targets(results):
    """(target, what was found, met), for what was measured."""
    rows = []

    def row(text, value, limit, unit, at_most=True):
        rows.append((text, "%.2f%s (%s %s%s)" % (value, unit, "at most" if at_most else "at least", limit, unit),
                     value <= limit if at_most else value >= limit))

    for name in ("udp-flood", "tcp-1", "tcp-64", "tcp-64-lf", "tls-1", "tls-64"):
        found = results.get(name, {})
        ours, theirs = median(found.get("penstock", []), "cost"), cheapest(found, "rsyslog")
        if ours and theirs[0]:
            row("%s: CPU, of %s's" % (name, theirs[1]), ours / theirs[0], 0.5, " ×")
        full = median(found.get("penstock-full", []), "cost")
        if full and theirs[0]:
            row("%s: CPU with journal and OCSF, of %s's parse-only" % (name, theirs[1]), full / theirs[0], 1.0, " ×")
        if name == "udp-flood" and ours and median(found.get("bare", []), "cost"):
            row("%s: CPU, of the bare C receiver's" % name, ours / median(found["bare"], "cost"), 1.5, " ×")
    found = results.get("udp-max", {})
    ours, theirs = median(found.get("penstock", []), "highest"), cheapest(found, "rsyslog", "highest", max)
    if ours and theirs[0]:
        row("udp-max: highest lossless rate, of %s's" % theirs[1], ours / theirs[0], 1.7, " ×", at_most=False)
    for name in ("udp-50k", "tcp-50k", "tcp-50k-1"):
        ours = median(results.get(name, {}).get("penstock", []), "cost")
        if ours:
            row("%s: CPU µs a message" % name, ours, 4.0, "")
    ours = median(results.get("mix", {}).get("penstock-ocsf", []), "cost")
    if ours:
        row("mix: CPU µs an event", ours, 3.0, "")
    # Key-value lines against the best of the peers, fixed patterns against liblognorm.
    every = ("rsyslog", "syslog-ng")
    for name, peers, limit in (("fortigate", every, 0.33), ("iptables", every, 0.33), ("iptables-fixed", every, 1.0),
                               ("openssh", every, 1.0)):
        found = results.get(name, {})
        ours, theirs = median(found.get("penstock-ocsf", []), "cost"), cheapest(found, peers)
        if ours and theirs[0]:
            row("%s: CPU with OCSF, of %s's with JSON" % (name, theirs[1]), ours / theirs[0], limit, " ×")
    found = results.get("sshd-50", {})
    ours, theirs = median(found.get("penstock-replay", []), "rate"), median(found.get("sec", []), "rate")
    if ours and theirs:
        row("sshd-50: lines a second, of SEC's", ours / theirs, 20, " ×", at_most=False)
    for name in ("sshd-50", "sshd-1"):
        fired = {receiver: [r["firings"] for r in runs] for receiver, runs in results.get(name, {}).items() if runs}
        for receiver, each in fired.items():
            if receiver != "sec" and "sec" in fired:
                same = all(one == fired["sec"][0] for one in each)
                rows.append(("%s: %s and SEC fire alike, by rule" % (name, receiver), "%s and %d firings" % (
                    " ".join(sorted({str(sum(one.values())) for one in each})), sum(fired["sec"][0].values())), same))
    for name in ("penstock", "penstock-full"):
        runs = results.get("udp-overload", {}).get(name, [])
        if runs:
            peak = max(r["peak"] for r in runs) / (1 << 20)
            row("udp-overload: peak memory of %s" % name, peak, MEMORY >> 20, " MiB")
    for scenario, found in results.items():
        for name in ("penstock", "penstock-full", "penstock-ocsf"):
            runs = found.get(name, [])
            if not runs or scenario in ("udp-max", "udp-overload"):
                continue
            lost, doubled = max(r["lost"] / max(r["sent"], 1) for r in runs), max(r.get("duplicated", 0) for r in runs)
            limit = 0.001 if scenario.startswith("udp") else 0
            if lost > limit or doubled:
                rows.append(("%s: nothing lost or doubled (%s)" % (scenario, name), "lost %.3f %%, doubled %d" % (
                    100 * lost, doubled), False))
    return rows


def number(value, form="%.2f"):
    return "–" if value is None else form % value


def rate(scenario, runs):
    """The rate that was sent; where the generator fell short of what it was told, that too."""
    if scenario.load.transport != "udp" and not scenario.load.rate:
        return "–"
    found, wanted = median(runs, "rate"), median(runs, "wanted")
    return "%.0f%s" % (found, " of %.0f" % wanted if found < 0.95 * wanted else "")


def cost_table(scenario, found):
    reference, _ = cheapest(found, "rsyslog")
    bare = median(found.get("bare", []), "cost")
    lines = ["| receiver | CPU s per million | of rsyslog's | of bare C's | sent per s | lost | of it by the kernel "
             "| doubled | out of order | peak MiB |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for name, runs in found.items():
        if not runs:
            lines.append("| %s | – | | | | | | | | |" % name)
            continue
        cost = median(runs, "cost")
        costs = [r["cost"] for r in runs]
        spread = "" if len(runs) == 1 else " (%.2f–%.2f)" % (min(costs), max(costs))
        lost, sent = (sum(r[key] for r in runs) for key in ("lost", "sent"))
        lines.append("| %s | %s%s | %s | %s | %s | %s | %s | %s | %s | %s |" % (
            name, number(cost), spread, number(cost and reference and cost / reference),
            number(cost and bare and cost / bare), rate(scenario, runs),
            number(100 * lost / max(sent, 1), "%.3f %%"),
            "" if not lost else "%.0f %%" % (100 * sum(r["kernel_drops"] for r in runs) / lost),
            number(median(runs, "duplicated"), "%.0f"), number(median(runs, "out_of_order"), "%.0f"),
            number(max(r["peak"] for r in runs) / (1 << 20), "%.0f")))
    return lines


def correlation_table(found):
    theirs = {key: median(found.get("sec", []), key) for key in ("rate", "cpu_rate")}
    lines = ["| engine | lines per s | of SEC's | lines per CPU s | of SEC's | firings | of rules | peak MiB |",
             "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for name, runs in found.items():
        if not runs:
            lines.append("| %s | – | | | | | | |" % name)
            continue
        cells = []
        for key in ("rate", "cpu_rate"):
            ours = median(runs, key)
            cells += [number(ours, "%.0f"), number(theirs[key] and ours / theirs[key], "%.1f ×")]
        fired = runs[-1]["firings"]
        lines.append("| %s | %s | %d | %d | %.0f |" % (name, " | ".join(cells), sum(fired.values()), len(fired),
                                                       max(r["peak"] for r in runs) / (1 << 20)))
    return lines


def search_table(found):
    reference, _ = cheapest(found, "rsyslog", "highest", max)
    lines = ["| receiver | highest rate | of rsyslog's | CPU s per million there | peak MiB |", "|---|--:|--:|--:|--:|"]
    for name, runs in found.items():
        highest = median(runs, "highest")
        bound = "≥ " if any(r["limited"] for r in runs) else ""
        lines.append("| %s | %s%s | %s | %s | %s |" % (
            name, bound, number(highest, "%.0f"), number(highest and reference and highest / reference),
            number(median(runs, "cost")), number(max((r["peak"] for r in runs), default=0) / (1 << 20), "%.0f")))
    return lines


def markdown(results, complaints, setup, options, seconds):
    """(the report, whether a target was missed or a receiver failed)."""
    facts = machine(setup)
    lines = [
        "# Benchmark", "",
        "%s, %d cores, Linux %s; %s. Receiver on cores %s, generator on %s; load average %s at the end; %d run%s each "
        "(medians, receivers in turns), %d minutes." % (
            facts["cpu"], facts["cores"], facts["kernel"], facts["peers"], facts["receiver_cores"],
            facts["generator_cores"], facts["load"], options.runs,
            "" if options.runs == 1 else "s", round(seconds / 60)), "",
        "CPU is the receiver process's user and system time by delivered message. RFC 5424, lengths 120 to 600, "
        "mean 250, where a scenario names no product.",
        "`of rsyslog's` is against the cheapest (for rates: the fastest) of rsyslog's variants in that table.", ""]
    rows = targets(results)
    if rows:
        lines += ["## Targets", "", "| target | found | |", "|---|--:|---|"]
        lines += ["| %s | %s | %s |" % (text, value, "met" if met else "**missed**") for text, value, met in rows]
        lines.append("")
    for scenario in scenarios.ALL:
        found = results.get(scenario.name)
        if not found:
            continue
        lines += ["## %s" % scenario.name, "", scenario.about + ".", ""]
        if scenario.kind == "correlation":
            lines += correlation_table(found) + [""]
            continue
        lines += (search_table(found) if scenario.kind == "search" else cost_table(scenario, found)) + [""]
    if complaints:
        lines += ["## What failed", ""] + ["- %s, %s: %s" % c for c in complaints] + [""]
    return "\n".join(lines), bool(complaints) or not all(met for _, _, met in rows)
