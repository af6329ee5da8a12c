// SPDX-License-Identifier: Apache-2.0
// Lines as firewalls write them, by their makers' descriptions of the formats; the values are invented.
#include "line.h"

static const char *const users[] = {"jdoe", "m.weber", "a.kowalski", "engineer7", "svc-hist", "operator2"};
static const char *const countries[] = {"Germany", "Austria", "France", "Poland", "Norway", "Japan"};
static const char *const rules[] = {"office-to-web", "plant-to-web", "dmz-to-hist", "vpn-to-ot", "web-out", "backup"};
static const struct { const char *name, *application; unsigned port, protocol; } services[] = {
    {"HTTPS", "ssl", 443, 6}, {"HTTP", "web-browsing", 80, 6}, {"DNS", "dns-base", 53, 17}, {"SSH", "ssh", 22, 6},
    {"MODBUS", "modbus-base", 502, 6}, {"NTP", "ntp-base", 123, 17}, {"LDAP", "ldap", 389, 6},
};
enum { serviceCount = sizeof services / sizeof services[0] };

static unsigned ephemeral(void) { return below(28000) + 32768; }

/// FortiOS: key=value, quoted texts without blanks (liblognorm's parser ends a value at the first).
void writeFortiGate(Line *line) {
    unsigned kind = below(100), s = below(serviceCount), device = below(20) + 1;
    const char *level = kind < 75 ? "notice" : "warning", *user = ANY(users);
    put(line, "<%u>date=" DATE " time=" CLOCK " devname='plant-fw%u' devid='FGT60F00000000%02u' ",
        kind < 75 ? 189 : 188, device, device);
    put(line, "eventtime=" EPOCH NANOS " tz='+0000' logid='%s' type='%s' subtype='%s' level='%s' vd='root' ",
        kind < 85 ? "0000000013" : "0316013056", kind < 85 ? "traffic" : "utm", kind < 85 ? "forward" : "webfilter",
        level);
    put(line, "srcip=%s srcport=%u srcintf='office' srcintfrole='lan' ", inside(), ephemeral());
    put(line, "dstip=%s dstport=%u dstintf='wan1' dstintfrole='wan' ", outside(), services[s].port);
    put(line, "srccountry='Reserved' dstcountry='%s' sessionid=%u proto=%u ", ANY(countries), below(900000000),
        services[s].protocol);
    put(line, "action='%s' policyid=%u policytype='policy' poluuid='" MARK "' policyname='%s' service='%s' ",
        kind < 75 ? "close" : kind < 85 ? "deny" : "blocked", below(400), ANY(rules), services[s].name);
    if (kind < 75) {
        put(line, "user='%s' trandisp='snat' transip=%s transport=%u duration=%u ", user, outside(), ephemeral(),
            skewed(1, 3600));
        put(line, "sentbyte=%u rcvdbyte=%u sentpkt=%u rcvdpkt=%u appcat='unscanned' ", skewed(60, 9000000),
            skewed(60, 90000000), skewed(1, 9000), skewed(1, 90000));
        put(line, "srchwvendor='Example' osname='Windows' srcmac='00:00:5e:00:53:%02x' srcserver=0", below(256));
    } else if (kind < 85) {
        put(line, "trandisp='noop' duration=0 sentbyte=0 rcvdbyte=0 sentpkt=0 rcvdpkt=0 appcat='unscanned' ");
        put(line, "crscore=30 craction=131072 crlevel='high'");
    } else {
        put(line, "user='%s' eventtype='ftgd_blk' hostname='h%u.example.org' profile='web-default' ", user,
            below(5000));
        put(line, "reqtype='direct' url='https://h%u.example.org/p/%u' sentbyte=%u rcvdbyte=0 ", below(5000),
            below(90000), skewed(60, 2000));
        put(line, "direction='outgoing' msg='URL-belongs-to-a-denied-category' cat=26 catdesc='Malicious-Websites'");
    }
}

/// PAN-OS 10: comma-separated values of a TRAFFIC log.
void writePaloAlto(Line *line) {
    unsigned denied = below(100) < 15, s = below(serviceCount), port = ephemeral(), session = below(900000);
    unsigned sent = skewed(60, 900000), received = skewed(60, 9000000), out = skewed(1, 900), in = skewed(1, 9000);
    const char *from = inside(), *to = outside(), *between = outside();
    put(line, "<14>" BSD " fw-plant%u 1," SLASHES ",0079510001%05u,TRAFFIC,%s,2817," SLASHES ",", below(20) + 1,
        below(20) + 23456, denied ? "drop" : "end");
    put(line, "%s,%s,%s,%s,%s,", from, to, denied ? "0.0.0.0" : between, denied ? "0.0.0.0" : to, ANY(rules));
    if (denied) put(line, ",,"); else put(line, "plant\\%s,,", ANY(users));
    put(line, "%s,vsys1,trust,untrust,ethernet1/%u,ethernet1/1,siem," SLASHES ",%u,1,",
        denied ? "not-applicable" : services[s].application, below(8) + 2, session);
    put(line, "%u,%u,%u,%u,0x400019,%s,%s,", port, services[s].port, denied ? 0 : port - 20000,
        denied ? 0 : services[s].port, services[s].protocol == 6 ? "tcp" : "udp", denied ? "deny" : "allow");
    put(line, "%u,%u,%u,%u," SLASHES ",%u,computer-and-internet-info,,", sent + received, sent, received, in + out,
        skewed(1, 900));
    put(line, "74000000%011u,0x0,172.16.0.0-172.31.255.255,%s,,%u,%u,%s,0,0,0,0,,fw-plant1,from-policy,",
        below(900000000), ANY(countries), out, in, denied ? "policy-deny" : "tcp-fin");
    put(line, ",,0,,0,,N/A,0,0,0,0," MARK ",0,0,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,");
    put(line, ISO "." MILLIS "+00:00,,,encrypted-tunnel,networking,browser-based,%u,", below(5) + 1);
    put(line, "'used-by-malware,able-to-transfer-file',,%s,no,no,0,NonProxyTraffic,", services[s].application);
}

/// Cisco ASA: connections built and torn down, packets denied, WebVPN sessions.
void writeASA(Line *line) {
    unsigned kind = below(100), s = below(serviceCount), connection = below(90000000), port = ephemeral();
    unsigned known = services[s].port;
    const char *transport = services[s].protocol == 6 ? "TCP" : "UDP", *from = outside(), *to = inside();
    unsigned host = below(12) + 1;
    if (kind < 40) {
        put(line, "<166>" BSD " asa%u : %%ASA-6-%s: Built inbound %s connection %u for outside:%s/%u (%s/%u)", host,
            services[s].protocol == 6 ? "302013" : "302015", transport, connection, from, port, from, port);
        put(line, "(PLANT\\" MARK ") to dmz:%s/%u (%s/%u)", to, known, outside(), known);
    } else if (kind < 75) {
        put(line, "<166>" BSD " asa%u : %%ASA-6-%s: Teardown %s connection %u for outside:%s/%u to dmz:%s/%u ", host,
            services[s].protocol == 6 ? "302014" : "302016", transport, connection, from, port, to, known);
        put(line, "duration %u:%02u:%02u bytes %u%s (" MARK ")", below(3), below(60), below(60), skewed(60, 9000000),
            services[s].protocol == 6 ? " TCP FINs" : "");
    } else if (kind < 95) {
        put(line, "<164>" BSD " asa%u : %%ASA-4-106023: Deny %s src outside:%s/%u dst dmz:%s/%u ", host,
            services[s].protocol == 6 ? "tcp" : "udp", from, port, to, known);
        put(line, "by access-group '" MARK "' [0x%08x, 0x0]", below(2000000000));
    } else {
        put(line, "<166>" BSD " asa%u : %%ASA-6-113039: Group <vpn-staff> User <" MARK "> IP <%s> ", host, from);
        put(line, "AnyConnect parent session started.");
    }
}

/// The kernel's packet log, behind the administrator's prefix.
void writeIptables(Line *line) {
    unsigned kind = below(100), s = below(serviceCount);
    put(line, "<4>" BSD " gateway%u kernel: [%u.%06u] %s " MARK " IN=eth%u OUT=eth0 ", below(12) + 1,
        below(900000) + 1000, below(1000000), kind < 70 ? "FW-DROP" : "FW-ACCEPT", below(3) + 1);
    put(line, "MAC=00:00:5e:00:53:01:00:00:5e:00:53:%02x:08:00 SRC=%s DST=%s LEN=%u ", below(256), outside(), inside(),
        skewed(40, 1500));
    put(line, "TOS=0x00 PREC=0x00 TTL=%u ID=%u DF ", below(64) + 64, below(65536));
    if (services[s].protocol == 6) {
        put(line, "PROTO=TCP SPT=%u DPT=%u WINDOW=%u RES=0x00 SYN URGP=0", ephemeral(), services[s].port,
            below(64000) + 1024);
    } else {
        put(line, "PROTO=UDP SPT=%u DPT=%u LEN=%u", ephemeral(), services[s].port, below(400) + 20);
    }
}

/// Check Point's Log Exporter in its syslog form.
void writeCheckPoint(Line *line) {
    unsigned denied = below(100) < 20, s = below(serviceCount), host = below(8) + 1;
    put(line, "<134>1 " ISO "Z cp-gw%u CheckPoint %u - [action:'%s'; flags:'411908'; ifdir:'inbound'; ", host,
        below(30000) + 100, denied ? "Drop" : "Accept");
    put(line, "ifname:'eth%u'; logid:'0'; loguid:'{" MARK "}'; origin:'192.0.2.%u'; ", below(4), host);
    put(line, "originsicname:'cn=cp-gw%u,o=cp-mgmt.plant.example'; sequencenum:'%u'; time:'" EPOCH "'; version:'5'; ",
        host, below(400));
    put(line, "__policy_id_tag:'product=VPN-1 & FireWall-1[db_tag={AA};mgmt=cp-mgmt;date=1795000000;");
    put(line, "policy_name=Standard\\]'; dst:'%s'; inzone:'%s'; outzone:'%s'; layer_name:'Network'; ", outside(),
        denied ? "External" : "Internal", denied ? "Internal" : "External");
    put(line, "layer_uuid:'63b70000-0000-4000-8000-0000000000%02x'; match_id:'%u'; parent_rule:'0'; ", below(256),
        below(90));
    put(line, "rule_action:'%s'; rule_name:'%s'; rule_uid:'d7a20000-0000-4000-8000-0000000000%02x'; ",
        denied ? "Drop" : "Accept", ANY(rules), below(256));
    put(line, "product:'VPN-1 & FireWall-1'; proto:'%u'; s_port:'%u'; service:'%u'; service_id:'%s'; ",
        services[s].protocol, ephemeral(), services[s].port, services[s].application);
    put(line, "src:'%s'; user:'%s']", inside(), ANY(users));
}
