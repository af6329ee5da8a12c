// SPDX-License-Identifier: Apache-2.0
internal import CPcap
public import Dissection
internal import Glibc
internal import Wire

/// How an interface is captured.
public struct LiveOptions: Sendable, Equatable {
    /// The network interface, or `any`.
    public var interface: String
    /// The bytes of a packet that are captured.
    public var snapLength = 65_535
    /// Whether packets for other hosts are captured: what a mirror port brings.
    public var isPromiscuous = true
    /// The kernel's buffer in bytes.
    public var bufferSize = 16 * 1024 * 1024
    /// How long the kernel may collect packets before it hands them over (ms); 0 hands over each at once.
    public var timeout = 10
    /// A BPF expression (pcap-filter(7)); empty captures everything.
    public var filter = ""

    /// The defaults for `interface`.
    public init(interface: String) { self.interface = interface }
}

/// A live capture of one interface. It never blocks: ``fileDescriptor`` tells an event loop when packets are there.
public struct LiveCapture: ~Copyable {
    /// What the kernel counted since the capture began.
    public struct Drops: Sendable, Equatable {
        /// Packets that passed the filter.
        public var received = 0
        /// Packets lost because the buffer was full.
        public var kernel = 0
        /// Packets lost by the interface or its driver.
        public var interface = 0
    }

    private let handle: PcapHandle
    /// The interface's name.
    public let interface: String
    /// The link type, or nil when it is none that is decoded.
    public let link: LinkType?
    /// What libpcap warned of when the capture began ("promiscuous mode not supported", say), or nil.
    public let warning: String?
    /// Readable when packets are there; -1 when the platform has none.
    public let fileDescriptor: Int32

    /// Opens and starts the capture. It needs CAP_NET_RAW.
    public init(_ options: LiveOptions) throws(CaptureError) {
        var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        func complaint() -> String {
            String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard let pcap = pcap_create(options.interface, &text) else {
            throw CaptureError(source: options.interface, message: complaint())
        }
        let handle = PcapHandle(source: options.interface, pcap: pcap)
        pcap_set_snaplen(pcap, Int32(clamping: options.snapLength))
        pcap_set_promisc(pcap, options.isPromiscuous ? 1 : 0)
        pcap_set_buffer_size(pcap, Int32(clamping: options.bufferSize))
        if options.timeout > 0 {
            pcap_set_timeout(pcap, Int32(clamping: options.timeout))
        } else {
            pcap_set_immediate_mode(pcap, 1)
        }
        // Not every device has nanoseconds; libpcap then keeps microseconds.
        let isNanosecond = pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO) == 0
        let result = pcap_activate(pcap)
        guard result >= 0 else { throw handle.error(result) }
        if !options.filter.isEmpty { try handle.filter(options.filter) }
        guard pcap_setnonblock(pcap, 1, &text) == 0 else {
            throw CaptureError(source: options.interface, message: complaint())
        }
        self.interface = options.interface
        self.isNanosecond = isNanosecond
        self.warning = result > 0 ? handle.error(result).message : nil
        self.link = handle.link
        self.fileDescriptor = pcap_get_selectable_fd(pcap)
        self.handle = handle
    }

    private let isNanosecond: Bool

    /// Gives the next packet to `body`, as ``CaptureFile/next(_:)`` does.
    ///
    /// - Returns: false when there is none at the moment.
    public mutating func next(
        _ body: (_ bytes: RawSpan, _ time: Int64, _ originalLength: Int) -> Void
    ) throws(CaptureError) -> Bool {
        let isNanosecond = isNanosecond
        return try handle.next { bytes, time, length in
            let fraction = time % 1_000_000_000
            body(bytes, isNanosecond ? time : time - fraction + fraction * 1000, length)
        } == .packet
    }

    /// What was lost so far; nil when the kernel does not tell.
    public var drops: Drops? {
        var stats = pcap_stat()
        guard pcap_stats(handle.pcap, &stats) == 0 else { return nil }
        return Drops(received: Int(stats.ps_recv), kernel: Int(stats.ps_drop), interface: Int(stats.ps_ifdrop))
    }
}
