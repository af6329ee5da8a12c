// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The header of the first DTLS 1.2 record of a datagram (RFC 6347 section 4.1).
struct DTLSRecordHeader {
    static let bytes = 13
    let isHandshake: Bool
    let epoch: Int
    /// Whether it begins a ClientHello in the clear: a new association, whatever sessions there are.
    let isClientHello: Bool

    init?(_ datagram: RawSpan) {
        // change_cipher_spec, alert, handshake, application_data; {254, 255} is DTLS 1.0, {254, 253} is 1.2.
        guard datagram.byteCount > DTLSRecordHeader.bytes, let type = datagram.byte(at: 0), type >= 20, type <= 23,
            datagram.byte(at: 1) == 0xFE, let minor = datagram.byte(at: 2), minor == 0xFF || minor == 0xFD,
            let epoch = datagram.number(at: 3, bytes: 2), let first = datagram.byte(at: 13)
        else { return nil }
        isHandshake = type == 22
        self.epoch = epoch
        isClientHello = type == 22 && epoch == 0 && first == 1
    }

    /// How many bytes of a datagram are whole records, each of at least `overhead` bytes where it is encrypted.
    ///
    /// A record that is too short for its nonce and tag has no key to prove anything with, and is to be dropped like any
    /// other that is not genuine (RFC 6347 section 4.1.2.7); OpenSSL 3.0.19 ends the session for it.
    static func sound(_ datagram: RawSpan, overhead: Int) -> Int {
        var end = 0
        while let length = datagram.number(at: end + 11, bytes: 2), let epoch = datagram.number(at: end + 3, bytes: 2),
            length >= (epoch > 0 ? overhead : 1), end + bytes + length <= datagram.byteCount
        {
            end += bytes + length
        }
        return end
    }
}

/// The part of a ClientHello that a cookie is made of and carried in (RFC 6347 section 4.2.1).
struct DTLSHello {
    /// Epoch and sequence number of its record, which the answer repeats.
    let sequence: Extent
    /// The client's random number.
    let random: Extent
    /// The session to resume, mostly empty.
    let session: Extent
    /// The cookie, empty in a first ClientHello.
    let cookie: Extent

    /// Reads the ClientHello that `datagram` begins with. One in fragments is read when the first holds the cookie.
    init?(_ datagram: RawSpan) {
        // Record header 13: type, version 2, epoch 2, sequence 6, length 2. Handshake header 12: type, length 3,
        // message sequence 2, fragment offset 3, fragment length 3.
        guard let header = DTLSRecordHeader(datagram), header.isClientHello,
            let record = datagram.number(at: 11, bytes: 2), record <= datagram.byteCount - DTLSRecordHeader.bytes,
            datagram.number(at: 19, bytes: 3) == 0, let fragment = datagram.number(at: 22, bytes: 3),
            fragment <= record - 12, datagram.byte(at: 25) == 0xFE
        else { return nil }
        let end = 25 + fragment
        // Version 2, random 32, then two runs with a length byte each.
        guard end >= 60, let sessionLength = datagram.number(at: 59, bytes: 1), sessionLength <= 32,
            61 + sessionLength <= end, let cookieLength = datagram.number(at: 60 + sessionLength, bytes: 1),
            61 + sessionLength + cookieLength <= end
        else { return nil }
        sequence = Extent(3..<11)
        random = Extent(27..<59)
        session = Extent(60..<60 + sessionLength)
        cookie = Extent(61 + sessionLength..<61 + sessionLength + cookieLength)
    }

    /// The HelloVerifyRequest that asks for a cookie: shorter than any ClientHello, so nothing to amplify with.
    func verifyRequest(_ cookie: [UInt8], for datagram: RawSpan) -> [UInt8] {
        let length = UInt8(truncatingIfNeeded: min(cookie.count, 200) + 3)
        var answer: [UInt8] = [22, 0xFE, 0xFF]
        answer.reserveCapacity(28 + cookie.count)
        answer += datagram.part(sequence).array
        answer += [0, length &+ 12]
        // Message sequence 0, in one fragment. The version in it says nothing (RFC 6347 section 4.2.1).
        answer += [3, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length, 0xFE, 0xFF, length &- 3]
        return answer + cookie.prefix(200)
    }
}

extension RawSpan {
    /// A number of up to four bytes, first byte highest; nil beyond the end.
    fileprivate func number(at offset: Int, bytes: Int) -> Int? {
        var value = 0
        for index in 0..<bytes {
            guard let byte = byte(at: offset + index) else { return nil }
            value = value << 8 | Int(byte)
        }
        return value
    }
}
