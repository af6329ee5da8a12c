// SPDX-License-Identifier: Apache-2.0
// Lines as network sensors and devices with CEF write them.
#include "line.h"

static const struct { const char *name; unsigned port; } applications[] = {
    {"modbus", 502}, {"tls", 443}, {"http", 80}, {"dnp3", 20000}, {"enip", 44818}, {"smb", 445},
};
enum { applicationCount = sizeof applications / sizeof applications[0] };

static unsigned ephemeral(void) { return below(28000) + 32768; }

/// Suricata's EVE records over syslog: flows, DNS, HTTP, TLS, alerts.
void writeSuricata(Line *line) {
    unsigned kind = below(100), a = below(applicationCount);
    const char *type = kind < 40 ? "flow" : kind < 60 ? "dns" : kind < 75 ? "http" : kind < 90 ? "tls" : "alert";
    unsigned port = kind < 40 ? applications[a].port : kind < 60 ? 53 : kind < 75 ? 80 : kind < 90 ? 443 : 502;
    put(line, "<133>" BSD " ids%u suricata[811]: {'timestamp':'" ISO "." MICROS "+0000',", below(4) + 1);
    put(line, "'flow_id':%u%09u,", below(900000) + 100000, below(1000000000));
    put(line, "'in_iface':'eth1','event_type':'%s','src_ip':'%s','src_port':%u,'dest_ip':'%s','dest_port':%u,",
        type, inside(), ephemeral(), inside(), port);
    put(line, "'proto':'%s','community_id':'1:" MARK "',", kind >= 40 && kind < 60 ? "UDP" : "TCP");
    if (kind < 40) {
        put(line, "'app_proto':'%s','flow':{'pkts_toserver':%u,'pkts_toclient':%u,'bytes_toserver':%u,",
            applications[a].name, skewed(1, 9000), skewed(1, 9000), skewed(60, 900000));
        put(line, "'bytes_toclient':%u,'start':'" ISO "." MICROS "+0000','end':'" ISO "." MICROS "+0000',",
            skewed(60, 9000000));
        put(line, "'age':%u,'state':'closed','reason':'timeout','alerted':false},", below(60));
        put(line, "'tcp':{'tcp_flags':'1b','tcp_flags_ts':'1b','tcp_flags_tc':'1b','syn':true,'fin':true,"
                  "'psh':true,'ack':true,'state':'closed'}}");
    } else if (kind < 60) {
        put(line, "'dns':{'version':2,'type':'answer','id':%u,'flags':'8180','qr':true,'rd':true,'ra':true,",
            below(65536));
        put(line, "'rrname':'host%u.example.net','rrtype':'A','rcode':'NOERROR','answers':[{'rrname':"
                  "'host%u.example.net','rrtype':'A','ttl':60,'rdata':'%s'}]}}", below(9000), below(9000), outside());
    } else if (kind < 75) {
        put(line, "'tx_id':0,'http':{'hostname':'h%u.example.com','url':'/firmware/%u.bin?line=%u',", below(900),
            below(9000), below(90));
        put(line, "'http_user_agent':'Mozilla/5.0 (X11; Linux x86_64)','http_content_type':'application/octet-stream',"
                  "'http_method':'GET','protocol':'HTTP/1.1','status':%u,'length':%u}}", below(10) ? 200 : 404,
            skewed(100, 900000));
    } else if (kind < 90) {
        put(line, "'tls':{'subject':'CN=h%u.example.com','issuerdn':'C=XX, O=Example CA, CN=Example CA R3',",
            below(900));
        put(line, "'serial':'04:%02X:%02X:1D',", below(256), below(256));
        put(line, "'fingerprint':'2a:%02x:%02x:00:5e:10:77:91:ab:cd:ef:01:23:45:67:89:10:11:12',", below(256),
            below(256));
        put(line, "'sni':'h%u.example.com','version':'TLS 1.3','notbefore':'2026-01-01T00:00:00',"
                  "'notafter':'2027-01-01T00:00:00'}}", below(900));
    } else {
        unsigned id = below(400);
        put(line, "'alert':{'action':'allowed','gid':1,'signature_id':%u,'rev':2,'signature':'OT write %u from "
                  "a station that is not listed','category':'Attempted Administrator Privilege Gain','severity':2},",
            1000000 + id, id);
        put(line, "'app_proto':'modbus','flow':{'pkts_toserver':%u,'pkts_toclient':%u,'bytes_toserver':%u,"
                  "'bytes_toclient':%u,'start':'" ISO "." MICROS "+0000'}}", skewed(1, 90), skewed(1, 90),
            skewed(60, 9000), skewed(60, 9000));
    }
}

/// Zeek's JSON logs over syslog: connections and DNS.
void writeZeek(Line *line) {
    unsigned dns = below(100) < 30, a = below(applicationCount);
    put(line, "<142>" BSD " zeek%u zeek: {'_path':'%s','_system_name':'zeek1','ts':" EPOCH "." MICROS ",'uid':'" MARK
              "',", below(4) + 1, dns ? "dns" : "conn");
    put(line, "'id.orig_h':'%s','id.orig_p':%u,'id.resp_h':'%s','id.resp_p':%u,", inside(), ephemeral(), inside(),
        dns ? 53 : applications[a].port);
    if (dns) {
        put(line, "'proto':'udp','trans_id':%u,'rtt':0.%06u,'query':'host%u.example.net','qclass':1,", below(65536),
            below(100000), below(9000));
        put(line, "'qclass_name':'C_INTERNET','qtype':1,'qtype_name':'A','rcode':0,'rcode_name':'NOERROR','AA':false,"
                  "'TC':false,'RD':true,'RA':true,'Z':0,'answers':['%s'],'TTLs':[60.0],'rejected':false}", outside());
    } else {
        put(line, "'proto':'tcp','service':'%s','duration':%u.%06u,'orig_bytes':%u,'resp_bytes':%u,",
            applications[a].name, below(600), below(1000000), skewed(0, 900000), skewed(0, 900000));
        put(line, "'conn_state':'%s','local_orig':true,'local_resp':true,'missed_bytes':0,'history':'ShADadfF',",
            below(10) ? "SF" : "REJ");
        put(line, "'orig_pkts':%u,'orig_ip_bytes':%u,'resp_pkts':%u,'resp_ip_bytes':%u,'ip_proto':6}", skewed(1, 9000),
            skewed(60, 900000), skewed(1, 9000), skewed(60, 900000));
    }
}

/// A device with CEF, of no product that has a mapping of its own.
void writeCEF(Line *line) {
    static const struct { const char *id, *name; unsigned severity; } kinds[] = {
        {"conn-01", "Connection accepted", 3}, {"deny-01", "Connection denied", 7},
        {"deny-02", "Function code denied", 8},
    };
    unsigned k = below(3), a = below(applicationCount);
    put(line, "<134>" BSD " guard%u CEF:0|Example|Gateway|1.2|%s|%s|%u|", below(8) + 1, kinds[k].id, kinds[k].name,
        kinds[k].severity);
    put(line, "rt=" EPOCH MILLIS " externalId=" MARK " src=%s spt=%u dst=%s dpt=%u ", inside(), ephemeral(), inside(),
        applications[a].port);
    put(line, "proto=TCP act=%s app=%s deviceInboundInterface=eth%u smac=00:00:5e:00:53:%02x dmac=00:00:5e:00:53:%02x ",
        k ? "Deny" : "Allow", applications[a].name, below(4), below(256), below(256));
    put(line, "cs1=rule\\=%u line %u cs1Label=Rule cn1=%u cn1Label=Unit in=%u out=%u suser=engineer%u ", below(90),
        below(9), below(247) + 1, skewed(60, 90000), skewed(60, 90000), below(40));
    put(line, "msg=%s by the policy of zone cell-%u", kinds[k].name, below(40));
}
