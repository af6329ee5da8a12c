// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A receiver on loopback that keeps what it gets: the demonstration's SIEM and SOC, so that the outputs go through real
/// sockets and can be looked at afterwards.
final class Witness: Sendable {
    /// What the receiver speaks.
    enum Kind: Sendable {
        /// Lines over TCP.
        case lines
        /// Datagrams.
        case datagrams
        /// HTTP POST, answered with 200.
        case webhook
    }

    /// The port it listens on.
    let port: Int
    private let kind: Kind
    private let socket: Int32
    private let kept = Mutex<[String]>([])
    private let closed = Atomic<Bool>(false)

    /// Opens a receiver on a free port of 127.0.0.1, or nil when there is none.
    init?(_ kind: Kind) {
        let type = kind == .datagrams ? Int32(SOCK_DGRAM.rawValue) : Int32(SOCK_STREAM.rawValue)
        let socket = Glibc.socket(AF_INET, type | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(socket, generic, length) == 0 && getsockname(socket, generic, &length) == 0
            }
        }
        guard bound, kind == .datagrams || listen(socket, 16) == 0 else {
            Glibc.close(socket)
            return nil
        }
        self.socket = socket
        self.port = Int(UInt16(bigEndian: address.sin_port))
        self.kind = kind
    }

    /// What was received so far: lines, datagrams or request bodies.
    var received: [String] { kept.withLock { $0 } }

    /// Serves one sender after the other until `close`; to be called on a thread of its own.
    func run() {
        while !closed.load(ordering: .acquiring) {
            guard ready(socket) else { continue }
            if kind == .datagrams {
                if let bytes = receive(socket), !bytes.isEmpty { keep(String(decoding: bytes, as: UTF8.self)) }
                continue
            }
            let sender = accept(socket, nil, nil)
            guard sender >= 0 else { continue }
            serve(sender)
            Glibc.close(sender)
        }
        Glibc.close(socket)
    }

    /// Ends `run`.
    func close() { closed.store(true, ordering: .releasing) }

    private func keep(_ text: String) {
        kept.withLock { if $0.count < 200_000 { $0.append(text) } }
    }

    private func ready(_ descriptor: Int32) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wanted, 1, 200) > 0
    }

    private func receive(_ descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : Array(buffer[..<count])
    }

    private func serve(_ sender: Int32) {
        var waiting: [UInt8] = []
        while !closed.load(ordering: .acquiring) {
            guard ready(sender) else { continue }
            guard let bytes = receive(sender), !bytes.isEmpty, waiting.count < 16 << 20 else { return }
            waiting += bytes
            switch kind {
            case .lines:
                while let end = waiting.firstIndex(of: 0x0A) {
                    keep(String(decoding: waiting[..<end], as: UTF8.self))
                    waiting.removeFirst(end + 1)
                }
            case .webhook:
                guard let body = Witness.body(of: waiting) else { continue }
                keep(String(decoding: body, as: UTF8.self))
                let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
                _ = send(sender, answer, answer.count, Int32(MSG_NOSIGNAL))
                return
            case .datagrams: return
            }
        }
    }

    /// The body of a whole HTTP request, or nil while something is missing.
    private static func body(of request: [UInt8]) -> ArraySlice<UInt8>? {
        let text = String(decoding: request, as: UTF8.self)
        guard let blank = text.utf8.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = text[..<blank.lowerBound].lowercased()
        let start = text.utf8.distance(from: text.startIndex, to: blank.upperBound)
        var length = 0
        for line in head.split(whereSeparator: \.isNewline) where line.hasPrefix("content-length:") {
            length = Int(line.dropFirst(15).filter(\.isNumber)) ?? 0
        }
        return request.count >= start + length ? request[start..<start + length] : nil
    }
}

extension String.UTF8View {
    /// The first place of `wanted`.
    fileprivate func firstRange(of wanted: [UInt8]) -> Range<Index>? {
        var start = startIndex
        while start != endIndex {
            var position = start
            var matched = 0
            while matched < wanted.count, position != endIndex, self[position] == wanted[matched] {
                position = index(after: position)
                matched += 1
            }
            if matched == wanted.count { return start..<position }
            start = index(after: start)
        }
        return nil
    }
}
