// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Two endpoints that talk: the streams, the protocol's session, and what the records say about both.
final class Flow {
    /// Which protocol the flow carries.
    enum Service {
        /// Not known yet; `tries` starts did not match.
        case undecided(tries: Int)
        /// The dissector of that number.
        case known(Int)
        /// None that is dissected here.
        case other
    }

    let key: FlowKey
    let began: Int64
    let identifier: Int64
    var last: Int64
    /// The side that asks.
    var client: Side { didSet { if client != oldValue { prefixLength = 0 } } }
    /// Whether a SYN or the content told the client, not a guess by ports.
    var isClientKnown = false
    var startSeen = false
    var vlans: VLANs
    /// The hardware addresses of the two sides.
    var macs: (UInt64?, UInt64?)

    var first = Stream()
    var second = Stream()
    var service = Service.undecided(tries: 0)
    var session: (any Session)?
    /// Packets whose payload waits for the service to be known.
    var undecided = 0
    /// The first bytes of each side while they are too few to be recognized.
    var probe: ([UInt8], [UInt8]) = ([], [])

    // The place in the table.
    let slot: Int32
    let generation: UInt32
    /// The deadline that the timer wheel knows, .max when none.
    var scheduledFor = Int64.max
    /// Set when both sides have finished or one has reset: the flow ends a little later, for what is still on its way.
    var closeAt: Int64?
    var closeReason = FlowEnd.finished

    /// The fields that all records of the flow begin with, as record bytes; built when first needed.
    private var prefix: [UInt8] = []
    private var prefixLength = 0

    init(
        key: FlowKey, began: Int64, client: Side, vlans: VLANs, macs: (UInt64?, UInt64?), slot: Int32,
        generation: UInt32
    ) {
        self.key = key
        self.began = began
        self.last = began
        self.identifier = key.identifier(began: began)
        self.client = client
        self.vlans = vlans
        self.macs = macs
        self.slot = slot
        self.generation = generation
    }

    /// The packets of both directions.
    var packets: Int { first.packets + second.packets }

    /// Works on the stream of one side.
    func withStream<Result>(_ side: Side, _ body: (inout Stream) -> Result) -> Result {
        side == .first ? body(&first) : body(&second)
    }

    /// The stream of one side, as it is now.
    func hasPassed(_ sequence: UInt32, on side: Side) -> Bool {
        side == .first ? first.hasPassed(sequence) : second.hasPassed(sequence)
    }

    func probe(of side: Side) -> [UInt8] { side == .first ? probe.0 : probe.1 }
    func setProbe(_ bytes: [UInt8], of side: Side) { if side == .first { probe.0 = bytes } else { probe.1 = bytes } }

    /// Begins a record of the flow: everything that its records have in common but the time.
    func begin(_ writer: inout RecordWriter, record: StaticString, time: Int64) {
        writer.begin()
        writer.put(.time, time)
        writer.put(.record, record)
        if prefixLength == 0 { buildPrefix() }
        let prefix = prefix
        let bytes = prefix.bytes
        writer.slab.append(bytes)
    }

    private func buildPrefix() {
        var writer = RecordWriter(Slab(capacity: 512))
        let server = client.other
        writer.put(.transport, key.transport == TransportDecoder.tcp ? "tcp" : "udp")
        writer.put(RecordField.sourceAddress.rawValue, key.address(client).description)
        writer.put(.sourcePort, Int64(key.port(client)))
        writer.put(RecordField.destinationAddress.rawValue, key.address(server).description)
        writer.put(.destinationPort, Int64(key.port(server)))
        if let mac = client == .first ? macs.0 : macs.1 {
            writer.put(RecordField.sourceMAC.rawValue, Flow.text(mac: mac))
        }
        if let mac = client == .first ? macs.1 : macs.0 {
            writer.put(RecordField.destinationMAC.rawValue, Flow.text(mac: mac))
        }
        for index in 0..<vlans.count { writer.put(.vlan, Int64(vlans[index])) }
        writer.put(.flowID, identifier)
        writer.put(RecordField.communityID.rawValue, CommunityID.text(key))
        prefix = writer.slab.bytes.array
        prefixLength = prefix.count
    }

    private static func text(mac: UInt64) -> String {
        var text = ""
        for shift in stride(from: UInt64(40), through: 0, by: -8) {
            let octet = mac >> shift & 0xFF
            if !text.isEmpty { text += ":" }
            if octet < 16 { text += "0" }
            text += String(octet, radix: 16)
        }
        return text
    }
}

/// Why a flow ended.
enum FlowEnd: String {
    case finished = "fin"
    case reset = "rst"
    case reused
    case idle
    case evicted
    case endOfInput = "end"
}

extension RecordWriter {
    mutating func put(_ field: RecordField, _ value: Int64) { put(field.rawValue, value) }
    mutating func put(_ field: RecordField, _ value: Bool) { put(field.rawValue, value) }
    mutating func put(_ field: RecordField, _ bytes: RawSpan) { put(field.rawValue, bytes) }

    /// Adds a constant text without making a `String`.
    mutating func put(_ field: RecordField, _ text: StaticString) {
        unsafe put(
            field.rawValue, RawSpan(_unsafeStart: UnsafeRawPointer(text.utf8Start), byteCount: text.utf8CodeUnitCount))
    }
}
