// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Transport

extension StreamInput {
    /// How far the PROXY protocol header is.
    enum ProxyHeader {
        /// Its rest is awaited.
        case waiting
        /// It is read, and out of the socket; the stream goes on behind it.
        case taken(PROXYHeader.Marks)
        /// There is none, or it is wrong.
        case refused(String)
    }

    /// The longest header that is taken, extensions included.
    private static let longest = 4096

    /// Takes the header that a trusted proxy sends first, in front of any TLS, and remembers whom it names.
    func takeProxyHeader() -> ProxyHeader {
        // Asked first: what comes between the two looks is then seen.
        let isOver = connection.hasPeerEnded
        return withUnsafeTemporaryAllocation(byteCount: StreamInput.longest, alignment: 16) { room in
            switch connection.peek(into: room) {
            case .wouldBlock: return .waiting
            case .closed: return .refused("closed before its PROXY protocol header")
            case .failed(let error): return .refused(error.description)
            case .bytes(let count):
                let bytes = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: room[..<count]))
                switch PROXYHeader.parse(bytes, maximum: StreamInput.longest) {
                // The end of a stream is reported as long as bytes in front of it are not taken out.
                case .needMore: return isOver ? .refused("ended inside its PROXY protocol header") : .waiting
                case .none: return .refused("no PROXY protocol header; `proxies` demands one from this address")
                case .malformed(let fault): return .refused("malformed PROXY protocol header: \(fault.rawValue)")
                case .header(let header, let length):
                    guard connection.discard(length) else { return .refused("the PROXY protocol header is gone") }
                    if header.command == .proxy, let end = header.source {
                        source = SocketAddress(end.address, port: end.port)
                    }
                    return .taken(header.marks)
                }
            }
        }
    }
}
