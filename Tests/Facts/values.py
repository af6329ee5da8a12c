# SPDX-License-Identifier: Apache-2.0
"""Values of peers and of Penstock made comparable, and whether a line carries a value at all."""

import datetime
import ipaddress
import re

EMPTY = {"", "-", "--", "n/a", "none", "null", "not available"}
PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "rdp": 27, "ipv6": 41, "gre": 47, "esp": 50,
    "ah": 51, "ipv6-icmp": 58, "icmp6": 58, "icmpv6": 58, "icmp-v6": 58, "ospf": 89, "pim": 103, "vrrp": 112,
    "sctp": 132,
}
MINUTE = 60_000
FARTHEST_ZONE = 14 * 60 * MINUTE


def at(tree, path):
    """All leaves under a dotted path; lists are walked through. Leaves that say nothing are left out."""
    found = [tree]
    for part in path.split("."):
        below = []
        for node in found:
            nodes = node if isinstance(node, list) else [node]
            below += [n[part] for n in nodes if isinstance(n, dict) and n.get(part) is not None]
        found = below
    flat = [v for f in found for v in (f if isinstance(f, list) else [f])]
    return [v for v in flat if not isinstance(v, (dict, list)) and str(v).strip().lower() not in EMPTY]


def first(tree, paths):
    """The first path that has a value, with its values: (path, [values]) or (None, [])."""
    for path in paths:
        values = at(tree, path)
        if values:
            return path, values
    return None, []


def leaves(tree):
    """Every scalar below a tree, whatever its name."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from leaves(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from leaves(value)
    elif tree is not None:
        yield tree


def number(value):
    """A whole number out of 443, "443", "0x1bb" or 443.0; None when it is none."""
    text = str(value).strip().lower()
    try:
        if text.startswith("0x"):
            return int(text, 16)
        return int(text) if re.fullmatch(r"-?\d+", text) else int(f) if (f := float(text)).is_integer() else None
    except (ValueError, OverflowError):
        return None


def address(value):
    """One spelling for an address in any form (zone, brackets, mapped IPv4); otherwise a lower-case host name."""
    text = str(value).strip().strip("[]").lower()
    try:
        parsed = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return text.rstrip(".")
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def word(value):
    """Text without case, quotes, backslashes and doubled spaces."""
    return re.sub(r"\s+", " ", re.sub(r"[\"'\\]", "", str(value))).strip().lower()


def label(value):
    """Significant words of a product's or vendor's name."""
    return set(re.findall(r"[a-z0-9]{3,}", word(value))) - {"project", "networks", "inc", "the", "windows"}


SAME_PRODUCT = [{"adaptive", "firepower", "asa", "ftd", "ips"}, {"nozomi", "n2os", "cmc"}]


def same_label(a, b):
    """Names of a product or vendor are equal when they share a word, or are two names of one thing."""
    left, right = label(a), label(b)
    if word(a) == word(b) or left & right:
        return True
    return any(left & names and right & names for names in SAME_PRODUCT)


def same_host(a, b):
    """A host name equals itself, also when one side is fully qualified and the other is not."""
    left, right = address(a), address(b)
    short = left if len(left) < len(right) else right
    return left == right or ("." not in short and left.split(".")[0] == right.split(".")[0])


def same_user(a, b):
    r"""DOMAIN\name, name@domain and name are one user."""
    def forms(value):
        text = re.sub(r"\s+", " ", str(value)).strip().lower().replace("\\\\", "\\")
        return {text, word(text), text.rsplit("\\", 1)[-1], text.split("@", 1)[0]}
    return bool(forms(a) & forms(b) - {""})


def protocol(value):
    """A transport as its IANA number, or its name when it has none."""
    text = word(value)
    return PROTOCOLS.get(text, number(text) if number(text) is not None else text)


MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def instant(value):
    """Milliseconds since 1970 of a number (s, ms, µs, ns), an ISO or a syslog time; a missing zone is UTC, a missing
    year is 1972. None when it is no time."""
    text = str(value).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(text)
        while seconds > 1e11:
            seconds /= 1000
        return int(round(seconds * 1000)) if seconds > 1e8 else None
    iso = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)([.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?", text)
    old = re.fullmatch(r"(?:\w{3},? +)?(\w{3}) +(\d+)(?: +(\d{4}))? +(\d\d:\d\d:\d\d)(\.\d+)?", text)
    try:
        if iso:
            base = datetime.datetime.fromisoformat(iso[1] + "T" + iso[2] + "+00:00")
            fraction, zone = iso[3], iso[4]
        elif old and old[1].lower() in MONTHS:
            day = f"{old[3] or 1972}-{MONTHS.index(old[1].lower()) + 1:02}-{int(old[2]):02}"
            base = datetime.datetime.fromisoformat(f"{day}T{old[4]}+00:00")
            fraction, zone = old[5], None
        else:
            return None
    except ValueError:
        return None
    milliseconds = int(base.timestamp()) * 1000 + int(float("0" + (fraction or "").replace(",", ".")) * 1000)
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        milliseconds -= (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 60 + int(digits[2:])) * MINUTE
    return milliseconds


def civil(milliseconds):
    """The UTC date and time of an instant."""
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=milliseconds)


def has_epoch(line, milliseconds):
    """Whether the line carries the instant as seconds since 1970, possibly with a fraction."""
    return f"{milliseconds // 1000:010}" in line


def has_zone(line, milliseconds):
    """Whether the line says its time zone, so that the instant is not a matter of opinion."""
    return has_epoch(line, milliseconds) or bool(
        re.search(r"\d\d:\d\d:\d\d(?:[.,]\d+)? ?(?:Z|[+-]\d\d:?\d\d|UTC|GMT)\b|tz=\"?[+-]\d{4}|SystemTime=", line))


def same_instant(expected, found, line):
    """Equal to the second, less what the line leaves open: the year when it has none, whole quarters of an hour up to
    14 hours when it names no zone."""
    want, have = instant(expected), instant(found)
    if want is None or have is None:
        return False
    if str(civil(want).year) not in line and not has_epoch(line, want):
        years = range(civil(have).year - 1, civil(have).year + 2)
        wants = []
        for year in years:
            try:
                wants.append(want + int((civil(want).replace(year=year) - civil(want)).total_seconds()) * 1000)
            except ValueError:
                continue
    else:
        wants = [want]
    for one in wants:
        apart = abs(one - have)
        if apart <= 1000:
            return True
        rest = apart % (15 * MINUTE)
        if not has_zone(line, want) and apart <= FARTHEST_ZONE and min(rest, 15 * MINUTE - rest) <= 1000:
            return True
    return False


def carries_time(line, value):
    """Whether the line has this time in any zone: its epoch seconds, or its minute and second."""
    want = instant(value)
    if want is None:
        return False
    if has_epoch(line, want):
        return True
    moment = civil(want)
    minutes = "|".join(f"{(moment.minute + shift) % 60:02}" for shift in (0, 15, 30, 45))
    return bool(re.search(rf"\d\d:?(?:{minutes}):?{moment.second:02}(?!\d)", line))


def carries_number(line, value):
    """Whether the number stands in the line, not as a part of a longer one."""
    want = number(value)
    return want is not None and bool(re.search(rf"(?<!\d)0*{want}(?!\d)|\b0x0*{want:x}\b", line, re.I))


def unescaped(line):
    r"""The line with JSON's \uXXXX escapes and XML's entities of quotes and angle brackets resolved."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), line)
    for entity, character in (("&quot;", '"'), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


def carries_text(line, value):
    """Whether the text stands in the line, whatever its case, quotes and escapes."""
    return word(value) in word(line) or word(value) in word(unescaped(line))


def carries_address(line, value):
    """Whether the address stands in the line in any of its forms."""
    want = address(value)
    if want in line.lower():
        return True
    return ":" in want and any(address(t) == want for t in re.findall(r"[0-9A-Fa-f:.]{3,}", line))


def carries_protocol(line, value):
    """Whether the line names the transport, or numbers it beside a word like proto."""
    want = protocol(value)
    names = [n for n, p in PROTOCOLS.items() if p == want] or [str(want)]
    return any(re.search(rf"(?<![a-z]){re.escape(n)}(?![a-z])", line, re.I) for n in names) or bool(
        re.search(rf"prot\w*[\"\s=:>]+0*{want}\b", line, re.I))
