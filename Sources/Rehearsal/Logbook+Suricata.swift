// SPDX-License-Identifier: Apache-2.0

extension Logbook {
    /// A network that Suricata saw something in: who to whom.
    struct Talk {
        var source: Host
        var port: UInt16
        var destination: Host
        var destinationPort: UInt16
        var transport = "TCP"
        var application: String?
    }

    /// A rule of Suricata that matched; ids from the range for local rules.
    struct Signature {
        var id: Int
        var text: String
        var category: String
        var severity: Int
    }

    /// An alert as Suricata's EVE output writes it.
    mutating func alert(at offset: Int64, _ talk: Talk, _ signature: Signature, extra: String = "") {
        let flow = flowID()
        eve(at: offset, Logbook.alert(eveTime(offset), flow, talk, signature, interface: true, extra: extra))
    }

    /// The same alert with the two members that a Malcolm forwarder adds: its host and the environment.
    mutating func malcolmAlert(at offset: Int64, _ talk: Talk, _ signature: Signature) {
        let flow = flowID()
        let members = #","host":"malcolm-ndr","environment":"production""#
        write5424(
            at: offset, .tcp, .suricata, host: "malcolm-ndr", app: "suricata",
            Logbook.alert(eveTime(offset), flow, talk, signature, interface: true, extra: members))
    }

    /// The alert after Malcolm's Logstash pipeline: common fields renamed to ECS, the rest below `suricata`.
    mutating func malcolmDocument(at offset: Int64, _ talk: Talk, _ signature: Signature) {
        let flow = flowID()
        var text = #"{"@timestamp":"\#(eveTime(offset).dropLast(8))Z","#
        text +=
            #""event":{"provider":"suricata","module":"suricata","dataset":"alert","kind":"alert","id":["\#(flow)"]},"#
        text += #""source":{"ip":"\#(talk.source.address)","port":\#(talk.port)},"#
        text += #""destination":{"ip":"\#(talk.destination.address)","port":\#(talk.destinationPort)},"#
        text += #""network":{"transport":"\#(talk.transport.lowercased())","protocol":["modbus"]},"#
        text += #""related":{"ip":["\#(talk.source.address)","\#(talk.destination.address)"]},"#
        text += #""rule":{"name":"\#(signature.text)","id":"\#(signature.id)","category":["\#(signature.category)"]},"#
        text += #""suricata":{"timestamp":"\#(eveTime(offset))","flow_id":\#(flow),"#
        text += #""alert":{"action":"allowed","rev":1,"severity":\#(signature.severity)},"#
        text += #""flow":{"pkts_toserver":14,"pkts_toclient":12,"bytes_toserver":1052,"bytes_toclient":934}},"#
        text += #""host":{"name":"malcolm-ndr"},"tags":["_filebeat_suricata_malcolm_upload"]}"#
        write5424(at: offset, .tcp, .suricata, host: "malcolm-ndr", app: "logstash", text)
    }

    /// A finished flow.
    mutating func flow(at offset: Int64, _ talk: Talk, packets: Int, bytes: Int) {
        let seconds: Int64 = 3
        var text = Logbook.common(eveTime(offset), flowID(), "flow", talk, interface: true)
        if let application = talk.application { text += #","app_proto":"\#(application)""# }
        text += #","flow":{"pkts_toserver":\#(packets),"pkts_toclient":\#(packets),"bytes_toserver":\#(bytes),"#
        text += #""bytes_toclient":\#(bytes + 120),"start":"\#(eveTime(offset - seconds * 1_000_000_000))","#
        text += #""end":"\#(eveTime(offset))","age":\#(seconds),"state":"closed","reason":"timeout","alerted":false}"#
        if talk.transport == "TCP" {
            text += #","tcp":{"tcp_flags":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}"#
        }
        eve(at: offset, text + "}")
    }

    /// A name that was asked for.
    mutating func dns(at offset: Int64, from source: Host, name: String) {
        let talk = Talk(
            source: source, port: port(), destination: source.gatewayLeg, destinationPort: 53, transport: "UDP")
        let id = number(1...65_535)
        eve(
            at: offset,
            Logbook.common(eveTime(offset), flowID(), "dns", talk, interface: true)
                + #","dns":{"type":"query","id":\#(id),"rrname":"\#(name)","rrtype":"A","tx_id":0,"opcode":0}}"#)
    }

    /// Suricata's own counters.
    mutating func stats(at offset: Int64, uptime: Int, packets: Int) {
        eve(
            at: offset,
            #"{"timestamp":"\#(eveTime(offset))","event_type":"stats","stats":{"uptime":\#(uptime),"#
                + #""capture":{"kernel_packets":\#(packets),"kernel_drops":0,"errors":0},"#
                + #""decoder":{"pkts":\#(packets),"bytes":\#(packets * 74),"invalid":0,"ipv4":\#(packets),"tcp":\#(packets)},"#
                + #""flow":{"total":\#(packets / 400),"tcp":\#(packets / 500),"udp":\#(packets / 2_000)}}}"#)
    }

    private mutating func eve(at offset: Int64, _ json: String) {
        write3164(at: offset, .tcp, .suricata, host: "ids", tag: "suricata[812]", json)
    }

    private static func common(
        _ time: String, _ flow: UInt64, _ kind: String, _ talk: Talk, interface: Bool
    ) -> String {
        #"{"timestamp":"\#(time)","flow_id":\#(flow),"# + (interface ? #""in_iface":"eth0","# : "")
            + #""event_type":"\#(kind)","src_ip":"\#(talk.source.address)","src_port":\#(talk.port),"#
            + #""dest_ip":"\#(talk.destination.address)","dest_port":\#(talk.destinationPort),"proto":"\#(talk.transport)""#
    }

    private static func alert(
        _ time: String, _ flow: UInt64, _ talk: Talk, _ signature: Signature, interface: Bool, extra: String
    ) -> String {
        common(time, flow, "alert", talk, interface: interface) + extra
            + #","alert":{"action":"allowed","gid":1,"signature_id":\#(signature.id),"rev":1,"#
            + #""signature":"\#(signature.text)","category":"\#(signature.category)","severity":\#(signature.severity)},"#
            + #""app_proto":"modbus","flow":{"pkts_toserver":14,"pkts_toclient":12,"bytes_toserver":1052,"#
            + #""bytes_toclient":934,"start":"\#(time)"}}"#
    }
}
