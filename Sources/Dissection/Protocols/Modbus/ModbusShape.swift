// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The MBAP header (Modbus Messaging on TCP/IP V1.0b, section 3.1.3) and the function code behind it.
struct ModbusHeader {
    /// Header and function code: what must be there to judge a message.
    static let size = 8
    /// The longest unit identifier + PDU that the specification allows.
    static let maxLength = 254
    /// The longest that is followed: UMAS (function 90) and some devices send more than the specification allows.
    static let maxFollowed = 2048

    let transaction: UInt16
    let protocolID: UInt16
    /// The bytes behind the length field: unit identifier and PDU.
    let length: Int
    let unit: UInt8
    let function: UInt8

    /// The bytes of the whole message.
    var total: Int { 6 + length }
    var isException: Bool { function & 0x80 != 0 }

    /// The header at `offset`, or nil when fewer than 8 bytes are there.
    init?(_ bytes: RawSpan, at offset: Int = 0) {
        guard offset >= 0, bytes.byteCount - offset >= ModbusHeader.size else { return nil }
        func word(_ place: Int) -> UInt16 {
            UInt16(bytes.byte(at: offset + place) ?? 0) << 8 | UInt16(bytes.byte(at: offset + place + 1) ?? 0)
        }
        transaction = word(0)
        protocolID = word(2)
        length = Int(word(4))
        unit = bytes.byte(at: offset + 6) ?? 0
        function = bytes.byte(at: offset + 7) ?? 0
    }

    /// Whether a message may begin so. `available` are the bytes from the header on.
    func isPlausible(available: Int) -> Bool {
        guard protocolID == 0, length >= 2 else { return false }
        if length <= ModbusHeader.maxLength { return true }
        guard length <= ModbusHeader.maxFollowed else { return false }
        return function & 0x7F == 90 || total == available
    }

    /// Whether the first bytes of a header, fewer than 8, can become a plausible one.
    static func mayBegin(_ bytes: RawSpan, at offset: Int = 0) -> Bool {
        if let high = bytes.byte(at: offset + 2), high != 0 { return false }
        if let low = bytes.byte(at: offset + 3), low != 0 { return false }
        if let high = bytes.byte(at: offset + 4) {
            if high > UInt8(maxFollowed >> 8) { return false }
            if high == 0, let low = bytes.byte(at: offset + 5), low < 2 { return false }
        }
        return true
    }
}

/// How long the messages of each function are: what tells a message from bytes that look like one.
enum ModbusShape {
    /// The length of a PDU (function code and data) as its own fields announce it.
    enum Length: Equatable {
        case exactly(Int)
        /// The field that tells the length is not there yet.
        case unknownYet
        /// The function does not tell, or the codes are not defined.
        case untold
        /// No such message exists: a field contradicts the function.
        case impossible
    }

    /// The announced length of a request; `pdu` may be cut.
    static func request(_ pdu: RawSpan) -> Length {
        guard let function = pdu.byte(at: 0) else { return .unknownYet }
        switch function {
        case 1...6: return .exactly(5)
        case 7, 11, 12, 17: return .exactly(1)
        case 15, 16: return counted(pdu, at: 5)
        case 20, 21: return counted(pdu, at: 1)
        case 22: return .exactly(7)
        case 23: return counted(pdu, at: 9)
        case 24: return .exactly(3)
        case 43:
            guard let type = pdu.byte(at: 1) else { return .unknownYet }
            return type == 14 ? .exactly(4) : .untold
        case 128...: return .impossible
        default: return .untold
        }
    }

    /// The announced length of a response; `pdu` may be cut.
    static func response(_ pdu: RawSpan) -> Length {
        guard let function = pdu.byte(at: 0) else { return .unknownYet }
        switch function {
        case 1, 2, 12, 17, 20, 21: return counted(pdu, at: 1)
        case 3, 4, 23:
            guard let count = pdu.byte(at: 1) else { return .unknownYet }
            return count % 2 == 0 ? .exactly(2 + Int(count)) : .impossible
        case 5, 6, 11, 15, 16: return .exactly(5)
        case 7: return .exactly(2)
        case 22: return .exactly(7)
        case 24:
            guard let high = pdu.byte(at: 1), let low = pdu.byte(at: 2) else { return .unknownYet }
            return .exactly(3 + Int(high) << 8 + Int(low))
        case 129...: return .exactly(2)
        default: return .untold
        }
    }

    private static func counted(_ pdu: RawSpan, at place: Int) -> Length {
        guard let count = pdu.byte(at: place) else { return .unknownYet }
        return .exactly(place + 1 + Int(count))
    }

    /// Whether a whole PDU is exactly as long as its fields announce; nil where they do not tell.
    static func fits(_ pdu: RawSpan, asRequest: Bool) -> Bool? {
        switch asRequest ? request(pdu) : response(pdu) {
        case .exactly(let length): return length == pdu.byteCount
        case .unknownYet, .impossible: return false
        case .untold: return nil
        }
    }
}
