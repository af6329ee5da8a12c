// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Transport
internal import Wire

/// Something about receiving that an auditor asks for: it enters the pipeline as a frame of its own, so that it is
/// journaled, becomes an event, and rules can match it (`mappings/sources/penstock/audit.yaml`).
struct Notice {
    /// What happened; the names are those of the mapping.
    enum Kind: String {
        case revoked = "certificate_revoked"
        case expired = "certificate_expired"
        case expiring = "certificate_expiring"
        case refusedCertificate = "certificate_refused"
        case shared = "identity_shared"
        case refusedConnection = "connection_refused"
        case kernelDrops = "kernel_drops"
    }

    var kind: Kind
    var listener: String
    var peer: SocketAddress?
    var certificate: PeerCertificate?
    var reason = ""
    var detail = ""
    /// How many times, with those that were not told one by one.
    var count = 1
    /// The addresses that one identity was used from.
    var addresses: [IPAddress] = []

    /// The notice as one JSON object.
    func append(to slab: inout Slab) {
        slab.append(#"{"penstock":"audit""#)
        func member(_ name: String, _ text: String) {
            guard !text.isEmpty else { return }
            slab.append(",\"\(name)\":")
            JSONText.append(text, to: &slab)
        }
        member("event", kind.rawValue)
        member("listener", listener)
        if let peer {
            member("peer", "\(peer.ip)")
            slab.append(",\"port\":\(peer.port)")
        }
        if let certificate {
            member("subject", certificate.subject)
            member("fingerprint", certificate.fingerprint)
            if let end = certificate.end { member("not_after", RFC3339.text(end * 1_000_000_000, digits: 0)) }
        }
        member("reason", reason)
        member("detail", detail)
        slab.append(",\"count\":\(count)")
        if !addresses.isEmpty {
            slab.append(",\"addresses\":[")
            for (number, address) in addresses.enumerated() {
                if number > 0 { slab.append(byte: 0x2C) }
                JSONText.append("\(address)", to: &slab)
            }
            slab.append(byte: 0x5D)
        }
        slab.append(byte: 0x7D)
    }
}
