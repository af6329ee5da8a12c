// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The header that a load balancer puts before a relayed connection (PROXY protocol, versions 1 and 2): who the sender
/// really is.
///
/// A pure reading of what was peeked so far. Whoever may claim to be somebody else decides what is believed, so the
/// caller asks only for peers that the configuration trusts.
public struct PROXYHeader: Equatable, Sendable {
    /// Which form the header has.
    public enum Version: UInt8, Sendable {
        /// A line of text.
        case v1 = 1
        /// Binary.
        case v2 = 2
    }

    /// On whose behalf the connection was made.
    public enum Command: Sendable {
        /// The proxy's own (a health check): the connection's own addresses hold.
        case local
        /// Somebody else's.
        case proxy
    }

    /// The addresses that the header has room for.
    public enum Family: Sendable {
        /// None (`UNKNOWN`, AF_UNSPEC).
        case unspecified
        /// IPv4.
        case inet
        /// IPv6.
        case inet6
        /// UNIX sockets, which have no address that means anything here.
        case unix
    }

    /// How the sender reached the proxy.
    public enum Transport: Sendable {
        /// Not said.
        case unspecified
        /// TCP or a UNIX stream.
        case stream
        /// UDP or UNIX datagrams.
        case datagram
    }

    /// One end of the relayed connection.
    public struct Endpoint: Equatable, Sendable {
        /// Its address.
        public var address: IPAddress
        /// Its port.
        public var port: UInt16

        /// An end at `address` and `port`.
        public init(_ address: IPAddress, _ port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    /// What is special about a header.
    public struct Marks: OptionSet, Sendable {
        /// One bit for each mark.
        public let rawValue: UInt8
        /// A set of marks from its bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Version 1 ended in LF without CR.
        public static let bareLineFeed = Marks(rawValue: 1 << 0)
        /// The addresses cannot be read: the sender is unknown.
        public static let unusableAddress = Marks(rawValue: 1 << 1)
        /// Words followed the ports of version 1.
        public static let extraText = Marks(rawValue: 1 << 2)
        /// An extension of version 2 does not lie inside the header; it and those after it are ignored.
        public static let badExtension = Marks(rawValue: 1 << 3)

        /// Every mark with the name that counters use.
        public static let all: [(flag: Marks, name: String)] = [
            (.bareLineFeed, "bare_line_feed"), (.unusableAddress, "unusable_address"), (.extraText, "extra_text"),
            (.badExtension, "bad_extension"),
        ]
    }

    /// Why a header is none.
    public enum Fault: String, Error, Sendable {
        /// Version 1 without a line end in 107 bytes, or version 2 with more than the caller takes.
        case tooLong = "too_long"
        /// Version 1 with a protocol other than TCP4, TCP6 and UNKNOWN.
        case protocolName = "protocol"
        /// Version 1 with fewer than two addresses and two ports.
        case fields
        /// Version 2 with a version nibble other than 2.
        case version
        /// Version 2 with a command other than LOCAL and PROXY.
        case command
        /// Version 2 with an address family or transport that the specification does not name.
        case family
        /// Version 2 that is too short for its addresses.
        case length
        /// The CRC32C extension does not match.
        case checksum
    }

    /// What the bytes hold.
    public enum Outcome: Equatable, Sendable {
        /// It may become a header, but not before this many bytes are in view; that it is none may show earlier.
        case needMore(atLeast: Int)
        /// A header of `length` bytes; the stream goes on after them.
        case header(PROXYHeader, length: Int)
        /// No header: the stream begins here.
        case none
        /// A header that breaks the specification, which demands that the connection is closed.
        case malformed(Fault)
    }

    /// Which form it has.
    public var version: Version
    /// On whose behalf the connection was made.
    public var command = Command.proxy
    /// The addresses that it has room for.
    public var family = Family.unspecified
    /// How the sender reached the proxy.
    public var transport = Transport.unspecified
    /// Who sent, or nil when that is not known: then the connection stays and the address is unknown.
    public var source: Endpoint?
    /// Whom it was sent to, or nil.
    public var destination: Endpoint?
    /// What is special about it.
    public var marks: Marks = []

    /// A header without addresses.
    public init(_ version: Version) { self.version = version }

    /// The longest version 1 header (specification section 2.1): 107 bytes with CR LF.
    public static let maximumLine = 107

    /// The shortest: `PROXY UNKNOWN` and LF.
    static let minimumLine = 14

    /// Reads the header at the start of `bytes`; `maximum` bounds version 2, its 16 fixed bytes included.
    public static func parse(_ bytes: RawSpan, maximum: Int = 4_096) -> Outcome {
        guard let first = bytes.byte(at: 0) else { return .needMore(atLeast: minimumLine) }
        return first == 0x0D ? binary(bytes, maximum) : line(bytes)
    }
}
