// SPDX-License-Identifier: Apache-2.0
internal import CPcap
public import Dissection
internal import Wire

/// A capture file: pcap or pcapng, either byte order, micro- or nanoseconds; `-` is standard input.
public struct CaptureFile: ~Copyable {
    private let handle: PcapHandle
    /// The path as given.
    public let path: String
    /// The link type of its packets, or nil when it is none that is decoded.
    public let link: LinkType?

    /// Opens the file and reads its header. `filter` is a BPF expression (pcap-filter(7)), empty for all packets.
    public init(path: String, filter: String = "") throws(CaptureError) {
        var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        guard
            let pcap = pcap_open_offline_with_tstamp_precision(path, UInt32(PCAP_TSTAMP_PRECISION_NANO), &text)
        else {
            let message = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw CaptureError(source: path, message: message)
        }
        let handle = PcapHandle(source: path, pcap: pcap)
        if !filter.isEmpty { try handle.filter(filter) }
        self.path = path
        self.link = handle.link
        self.handle = handle
    }

    /// The packets read so far.
    public var packets: Int { handle.packets }

    /// The name of the link type.
    public var linkName: String { handle.linkName }

    /// Gives the next packet to `body`: captured bytes, time in ns since the epoch, length on the wire. A broken file
    /// throws, with the number of packets before the break.
    ///
    /// - Returns: whether there was one.
    public mutating func next(
        _ body: (_ bytes: RawSpan, _ time: Int64, _ originalLength: Int) -> Void
    ) throws(CaptureError) -> Bool {
        try handle.next(body) == .packet
    }
}
