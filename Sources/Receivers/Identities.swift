// SPDX-License-Identifier: Apache-2.0
internal import Transport
internal import Wire

/// The certificates that the open TLS connections of a lane have shown.
///
/// A certificate outlives its connection until the next poll, so that the last frames of a batch still have theirs.
struct Identities {
    private struct Key: Hashable {
        let listener: UInt16
        let ip: IPAddress?
        let port: UInt16
    }

    private var certificates: [Key: PeerCertificate] = [:]
    private var departed: [Key] = []

    subscript(_ listener: UInt16, _ ip: IPAddress?, _ port: UInt16) -> PeerCertificate? {
        certificates[Key(listener: listener, ip: ip, port: port)]
    }

    mutating func add(_ certificate: PeerCertificate, _ listener: UInt16, _ peer: SocketAddress) {
        let key = Key(listener: listener, ip: peer.ip, port: peer.port)
        // The same peer may be back with the same port already.
        departed.removeAll { $0 == key }
        certificates[key] = certificate
    }

    mutating func depart(_ listener: UInt16, _ peer: SocketAddress) {
        let key = Key(listener: listener, ip: peer.ip, port: peer.port)
        if certificates[key] != nil { departed.append(key) }
    }

    mutating func forgetDeparted() {
        for key in departed { certificates[key] = nil }
        departed.removeAll(keepingCapacity: true)
    }
}
