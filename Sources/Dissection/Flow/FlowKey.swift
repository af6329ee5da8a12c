// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The five-tuple of a flow with its ends in one order, so that both directions meet. VLANs do not count: a mirror port
/// often tags one direction only.
struct FlowKey: Hashable {
    let first: IPAddress
    let second: IPAddress
    let firstPort: UInt16
    let secondPort: UInt16
    let transport: UInt8

    /// The key of a packet and the side that sent it.
    static func make(_ layers: Layers) -> (key: FlowKey, sender: Side) {
        let forward = order(layers.source, layers.sourcePort, layers.destination, layers.destinationPort)
        let key =
            forward
            ? FlowKey(
                first: layers.source, second: layers.destination, firstPort: layers.sourcePort,
                secondPort: layers.destinationPort, transport: layers.transport)
            : FlowKey(
                first: layers.destination, second: layers.source, firstPort: layers.destinationPort,
                secondPort: layers.sourcePort, transport: layers.transport)
        return (key, forward ? .first : .second)
    }

    /// Whether the first endpoint comes first.
    private static func order(_ a: IPAddress, _ aPort: UInt16, _ b: IPAddress, _ bPort: UInt16) -> Bool {
        if a.high != b.high { return a.high < b.high }
        if a.low != b.low { return a.low < b.low }
        return aPort <= bPort
    }

    func address(_ side: Side) -> IPAddress { side == .first ? first : second }
    func port(_ side: Side) -> UInt16 { side == .first ? firstPort : secondPort }

    func hash(into hasher: inout Hasher) {
        hasher.combine(first.high ^ second.high)
        hasher.combine(first.low)
        hasher.combine(second.low)
        hasher.combine(UInt64(firstPort) << 32 | UInt64(secondPort) << 8 | UInt64(transport))
    }

    /// A number of the flow that does not depend on which worker saw it or when the process started: FNV-1a (64 bits)
    /// over the endpoints and the time of the first packet, made positive.
    func identifier(began: Int64) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for word in [
            first.high, first.low, second.high, second.low,
            UInt64(firstPort) << 32 | UInt64(secondPort) << 8 | UInt64(transport), UInt64(bitPattern: began),
        ] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                hash = (hash ^ (word >> shift & 0xFF)) &* 0x100_0000_01B3
            }
        }
        return Int64(hash >> 1)
    }
}
