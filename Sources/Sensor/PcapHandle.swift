// SPDX-License-Identifier: Apache-2.0
internal import CPcap
internal import Dissection
internal import Glibc
internal import Wire

/// An open capture of libpcap, file or interface. Closed when it goes.
final class PcapHandle {
    /// What one attempt to read brought.
    enum Reading {
        case packet
        /// A live capture has none at the moment.
        case nothing
        case end
    }

    let source: String
    let pcap: OpaquePointer
    private(set) var packets = 0

    /// Takes over `pcap`.
    init(source: String, pcap: OpaquePointer) {
        self.source = source
        self.pcap = pcap
    }

    deinit { pcap_close(pcap) }

    /// The link type, or nil when the engine does not decode it.
    var link: LinkType? { LinkType(number: Int(pcap_datalink(pcap))) }

    /// The name of the link type, for complaints.
    var linkName: String {
        guard let name = pcap_datalink_val_to_name(pcap_datalink(pcap)) else { return "\(pcap_datalink(pcap))" }
        return String(cString: name)
    }

    func error(_ code: Int32? = nil) -> CaptureError {
        var message = pcap_geterr(pcap).map { String(cString: $0) } ?? ""
        if message.isEmpty, let code { message = String(cString: pcap_statustostr(code)) }
        return CaptureError(source: source, message: message, packets: packets)
    }

    /// Reads the next packet and gives it to `body` with its time (ns since the epoch) and its length on the wire.
    func next(
        _ body: (_ bytes: RawSpan, _ time: Int64, _ originalLength: Int) -> Void
    ) throws(CaptureError) -> Reading {
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        let result = pcap_next_ex(pcap, &header, &data)
        switch result {
        case 1:
            guard let header = header?.pointee, let data else { throw error() }
            packets += 1
            // With nanosecond precision tv_usec holds nanoseconds. A damaged file may hold any number.
            let time = Int64(header.ts.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
            let bytes = RawSpan(_unsafeStart: UnsafeRawPointer(data), byteCount: Int(header.caplen))
            body(bytes, time.overflow ? 0 : time.partialValue &+ Int64(header.ts.tv_usec), Int(header.len))
            return .packet
        case 0: return .nothing
        case PCAP_ERROR_BREAK: return .end
        default: throw error(result)
        }
    }

    /// Keeps only packets that match a BPF expression (pcap-filter(7)).
    func filter(_ expression: String) throws(CaptureError) {
        var program = bpf_program()
        guard pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0 else {
            throw CaptureError(source: source, message: "filter '\(expression)': \(error().message)")
        }
        defer { pcap_freecode(&program) }
        guard pcap_setfilter(pcap, &program) == 0 else { throw error() }
    }
}
