# SPDX-License-Identifier: Apache-2.0
"""Recognition: which mapping a raw line gets, against the source type that Splunk's SC4S gives it."""

import collections
import re

GENERIC = {None, "unknown", "cef", "leef", "kv", "json", "csv", "syslog"}
# The case folders' own mappings: a folder "has a mapping" when one of these took a line of it.
OWN = {
    "bind_named": {"bind"}, "cisco_asa_grok": {"cisco_asa"}, "cisco_secure_firewall": {"cisco_asa"},
    "claroty_ctd": {"claroty"}, "fortinet_fortigate": {"fortinet_fortigate"}, "haproxy_grok": {"haproxy"},
    "isc_dhcpd": {"isc_dhcp"}, "juniper_netscreen": {"juniper_netscreen"}, "juniper_srx_grok": {"juniper_srx"},
    "netfilter_iptables": {"iptables"}, "nozomi_n2os": {"nozomi"}, "openssh": {"openssh"},
    "paloalto_ngfw": {"paloalto_panos"}, "shorewall": {"iptables"}, "squid_grok": {"squid"}, "suricata": {"suricata"},
    "windows_eventlog": {"windows_event", "sysmon"}, "zeek": {"zeek"}, "zeek_tsv_grok": {"zeek"},
    "zeek_ot_raw": {"zeek"},
}

# Source type -> mapping names that are right, for the products that have a mapping. The first match counts.
# (A second column would not do: several mappings are right where one device speaks another's language.)
LISTED = [
    (r"cisco:asa$", {"cisco_asa"}),
    (r"cisco:ios$", {"cisco_ios", "cisco_nxos"}),
    (r"cisco:ise:", {"cisco_ise"}),
    (r"meraki", {"cisco_meraki"}),
    (r"pan:", {"paloalto_panos"}),
    (r"fgt_", {"fortinet_fortigate"}),
    (r"cp_log", {"checkpoint"}),
    (r"juniper:junos:(firewall|idp|aamw|secintel)", {"juniper_srx", "juniper_junos"}),
    (r"netscreen:", {"juniper_netscreen"}),
    (r"dell:sonicwall", {"sonicwall"}),
    (r"pfsense:", {"pfsense"}),
    (r"barracuda:", {"barracuda"}),
    (r"websense:", {"forcepoint"}),
    (r"suricata:", {"suricata"}),
    (r"isc:bind", {"bind"}),
    (r"isc:dhcpd", {"isc_dhcp"}),
    (r"haproxy:", {"haproxy"}),
    (r"vmware:esxlog", {"vmware_esxi"}),
    (r"vmware:vclog", {"vmware_vcenter", "vmware_esxi"}),
    (r"f5:bigip", {"f5_bigip"}),
    (r"infoblox:(dns|dhcp)", {"infoblox", "bind", "isc_dhcp"}),
    (r"infoblox:", {"infoblox"}),
    (r"LEEF:", {"leef"}),
    (r"cef$", {"cef", "windows_event"}),
]
# The same for SC4S's catch-all `nix:syslog`, by the program that the line names.
PROGRAMS = [
    (r"\bcron\[\d+\]: \(", {"cron"}),
    (r"\bsshd[\[ ]", {"openssh", "vmware_esxi"}),
    (r"pam_succeed_if|PAM-", {"pam"}),
]
# Not on the list, but a near relative whose mapping takes it without harm.
KIN = [
    (r"cisco:pix", {"cisco_asa"}),
    (r"cisco:xr", {"cisco_ios", "cisco_nxos", "cisco_iosxr"}),
    (r"cisco:acs", {"cisco_ise"}),
    (r"cisco:wsa", {"squid"}),
    (r"juniper:", {"juniper_srx", "juniper_junos"}),
    (r"fml:|fwb_", {"fortinet"}),
    (r"ubnt", {"iptables", "openssh", "dnsmasq"}),
    (r"vmware:", {"vmware_esxi", "vmware_vcenter"}),
    (r"tenable:nnm", {"tenable_ot"}),
    (r"nix:syslog|aviatrix|sc4s|arista|netapp|spectracom|riverbed|novell|dell:", {"linux", "systemd", "openssh", "sudo",
     "su", "pam", "auditd", "cron", "apache", "nginx", "iptables"}),
]


def is_generic(mapping):
    """Whether a mapping stands for a format, not for a product."""
    return mapping in GENERIC or str(mapping).startswith("generic")


def expectation(sourcetype, line):
    """(listed, right mappings): listed False means that only a generic decoder, or a mapping named, may take it."""
    for pattern, names in LISTED:
        if re.match(pattern, sourcetype):
            return True, names
    if sourcetype == "nix:syslog":
        for pattern, names in PROGRAMS:
            if re.search(pattern, line):
                return True, names
    return False, set().union(*[names for pattern, names in KIN if re.match(pattern, sourcetype)] or [set()])


def judgement(sourcetype, line, mapping):
    """right, wrong, generic (a listed product that only a generic decoder took), kin, or unlisted (left alone)."""
    listed, names = expectation(sourcetype, line)
    if mapping in names:
        return "right" if listed else "kin"
    if is_generic(mapping):
        return "generic" if listed else "unlisted"
    return "wrong" if listed else "taken"


def run(cases, normalize, options):
    """Prints the shares as Markdown, and what went wrong."""
    answers = normalize([{"id": one["id"], "raw": one["input"]} for one in cases])
    counts, types, faults = collections.Counter(), collections.defaultdict(collections.Counter), []
    for one in cases:
        mapping, events = answers.get(one["id"], (None, []))
        sourcetype = one["expect"]["sourcetype"]
        verdict = judgement(sourcetype, one["input"], mapping) if events else "no event"
        listed, _ = expectation(sourcetype, one["input"])
        counts[verdict] += 1
        counts["listed" if listed else "not listed"] += 1
        types[(not listed, sourcetype)][f"{verdict}: {mapping}"] += 1
        if verdict in ("wrong", "taken", "no event") or (verdict == "generic" and options.misses):
            faults.append((verdict, one["id"], sourcetype, mapping, one["input"][:160]))
    total, listed = len(cases), counts["listed"] or 1
    bad = counts["wrong"] + counts["taken"]
    print("| lines | of listed products | right | % | generic or unknown only | wrong | unlisted taken wrongly | "
          "wrong % of all | kin | no event |")
    print("|---:|" + "---:|" * 9)
    print(f"| {total} | {counts['listed']} | {counts['right']} | {100 * counts['right'] / listed:.1f} | "
          f"{counts['generic']} | {counts['wrong']} | {counts['taken']} | {100 * bad / max(total, 1):.2f} | "
          f"{counts['kin']} | {counts['no event']} |")
    print("\n| listed source type | lines | what each got |\n|---|---:|---|")
    for (unlisted, sourcetype), got in sorted(types.items()):
        if not unlisted:
            print(f"| {sourcetype} | {sum(got.values())} | {', '.join(f'{v} {k}' for k, v in got.most_common())} |")
    for fault in faults:
        print("\n" + " | ".join(map(repr, fault)), end="")
    print()
    return 0
