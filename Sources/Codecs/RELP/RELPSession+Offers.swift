// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// `open`: the client offers what it can, the server answers with what is used (RELP specification, "Offers").
extension RELPSession {
    /// The newest `relp_version`. librelp still speaks the experimental 0, which differs in nothing that is used.
    private static var newestVersion: UInt64 { 1 }

    mutating func open(_ offers: RawSpan, _ transaction: UInt32, _ answers: inout Slab) {
        var offered: UInt64?
        var namesCommands = false
        var hasSyslog = false
        var position = 0
        while position < offers.byteCount {
            let end = offers.firstIndex(of: 0x0A, from: position) ?? offers.byteCount
            let offer = offers.part(position, end - position)
            position = end + 1
            let equals = offer.firstIndex(of: 0x3D) ?? offer.byteCount
            let name = offer.part(0, equals)
            let value = offer.part(equals + 1, offer.byteCount)
            if name.equals("relp_version") {
                offered = value.part(0, value.firstIndex(of: 0x2C) ?? value.byteCount).decimal
            } else if name.equals("commands") {
                namesCommands = true
                hasSyslog = hasSyslog || RELPSession.list(value, has: "syslog")
            }
        }
        // A client that names no commands can only mean to use the one there is.
        guard let offered, hasSyslog || !namesCommands else {
            (offered == nil ? RELPAnswer.noVersion : .noSyslog).write(transaction, &answers)
            end(.offers, &answers)
            return
        }
        isOpen = true
        version = Int(min(offered, RELPSession.newestVersion))
        let text =
            "200 OK\nrelp_version=\(version)\nrelp_software=\(software)\ncommands=syslog"
        RELPAnswer.write(text, transaction, &answers)
    }

    /// Whether one of the values between commas is `word`.
    private static func list(_ values: RawSpan, has word: StaticString) -> Bool {
        var position = 0
        while position <= values.byteCount {
            let end = values.firstIndex(of: 0x2C, from: position) ?? values.byteCount
            let value = values.part(position, end - position)
            if value.byteCount == word.utf8CodeUnitCount, value.hasBytes(word) { return true }
            position = end + 1
        }
        return false
    }
}
