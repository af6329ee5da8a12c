// SPDX-License-Identifier: Apache-2.0

extension Logbook {
    /// What the gateway's netfilter rule logged of a packet.
    struct Filtered {
        var prefix: String
        var source: Host
        var destination: Host
        var port: UInt16
        var udp = false
        /// To everyone in the sender's network.
        var broadcast = false
    }

    /// How a log line reaches Penstock.
    enum Form {
        case rfc3164(Scripted.Channel)
        case rfc5424(Scripted.Channel)
    }

    /// A line of the kernel's LOG target (net/netfilter/nf_log_syslog.c): the first packet of a connection.
    mutating func filtered(at offset: Int64, _ what: Filtered, _ form: Form) {
        let uptime = 12_345_678_000 + offset / 1_000
        let fraction = String(uptime % 1_000_000)
        let clock = "[\(uptime / 1_000_000).\(String(repeating: "0", count: 6 - fraction.utf8.count))\(fraction)]"
        let leg = what.source.gatewayLeg
        let target = what.broadcast ? "ff:ff:ff:ff:ff:ff" : leg.macText
        var text = "\(clock) \(what.prefix) IN=\(leg.interface) "
        // What is meant for the gateway or for everyone is not forwarded, so there is no way out.
        let forwarded = !what.broadcast && what.destination != leg
        text += "OUT=\(forwarded ? what.destination.interface : "") "
        text += "MAC=\(target):\(what.source.macText):08:00 SRC=\(what.source.address) "
        text += "DST=\(what.broadcast ? Logbook.broadcastAddress(what.source) : "\(what.destination.address)") "
        let identification = number(1...65_535)
        let port = port()
        if what.udp {
            text += "LEN=78 TOS=0x00 PREC=0x00 TTL=\(what.broadcast ? 64 : 63) ID=\(identification) "
            text += "PROTO=UDP SPT=\(what.broadcast ? what.port : port) DPT=\(what.port) LEN=58"
        } else {
            text += "LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=\(identification) DF "
            text += "PROTO=TCP SPT=\(port) DPT=\(what.port) WINDOW=64240 RES=0x00 SYN URGP=0"
        }
        let priority: Priority = what.prefix.contains("DROP") ? .kernelWarning : .kernelInfo
        switch form {
        case .rfc3164(let channel):
            write3164(at: offset, channel, priority, host: Host.gateway.name, tag: "kernel", text)
        case .rfc5424(let channel):
            write5424(at: offset, channel, priority, host: Host.gateway.name, app: "kernel", text)
        }
    }

    private static func broadcastAddress(_ host: Host) -> String {
        "\(host.address)".split(separator: ".").prefix(3).joined(separator: ".") + ".255"
    }

    /// The office firewall's denial in CEF.
    mutating func denied(at offset: Int64, from source: Host, to destination: Host, port destinationPort: UInt16) {
        let time = (start + offset) / 1_000_000
        write3164(
            at: offset, .udp, .firewall, host: "fw-office", tag: "",
            "CEF:0|Fortinet|Fortigate|v7.4.4|00013|traffic:forward deny|5|"
                + "rt=\(time) deviceExternalId=FGT60FTK00000001 cat=traffic:forward act=deny src=\(source.address) "
                + "spt=\(port()) dst=\(destination.address) dpt=\(destinationPort) proto=6 app=Modbus/TCP "
                + "deviceInboundInterface=lan deviceOutboundInterface=ot-uplink cnt=1 "
                + "msg=Denied by forward policy check (policy 0)")
    }

    /// A line of OpenSSH's server.
    mutating func sshd(
        at offset: Int64, host: Host, process: Int, _ text: String, _ form: Form = .rfc3164(.udp)
    ) {
        switch form {
        case .rfc3164(let channel):
            write3164(at: offset, channel, .auth, host: host.name, tag: "sshd[\(process)]", text)
        case .rfc5424(let channel):
            write5424(at: offset, channel, .auth, host: host.name, app: "sshd", process: "\(process)", text)
        }
    }
}
