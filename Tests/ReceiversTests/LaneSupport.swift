// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Glibc
import Instruments
import Logging
import Receivers
import Testing
import Wire

/// Lanes that the test itself polls, on its own thread: it decides what is journaled, and when that is on disk.
final class HandLanes {
    let input: SyslogInput
    let registry = Registry()
    let log = LogLines.Store()
    /// All frames received, with the lane of each, without the service's own notices.
    private(set) var frames: [Seen] = []
    /// The number of the next frame in the journal of each lane.
    private(set) var next: [UInt64]
    /// What the latest `recorded(from:)` asked for.
    private(set) var wanted: UInt64?
    /// Whether the journal loses what it is given.
    var loses = false
    private var batch: Batch

    init(
        _ configurations: [ListenerConfiguration], lanes: Int = 1,
        limits: ReceiveLimits = ReceiveLimits(coalescing: 0)
    ) throws {
        signal(SIGPIPE, SIG_IGN)
        let store = log
        input = try SyslogInput.open(
            configurations, lanes: lanes, limits: limits, registry: registry,
            logger: Logger(label: "test") { _ in LogLines(store: store) })
        batch = Batch(table: FieldTable.Builder().build())
        next = Array(repeating: 0, count: lanes)
    }

    func port(_ listener: Int = 0) -> UInt16 { input.listeners[listener].address.port }
    var texts: [String] { frames.map(\.text) }
    func dropped(_ reason: String, stage: String = "receive") -> Int64 {
        registry.dropped(stage: stage, reason: reason).current
    }
    func connections(_ name: String = "test") -> Int64 {
        registry.gauge("penstock_connections", ["listener": name], help: "").current
    }

    /// Polls one lane once and journals what came.
    func poll(_ lane: Int = 0, timeout: Int = 5) {
        let receiver = input.receivers[lane]
        batch.reset(lane: lane)
        receiver.poll(into: &batch, timeout: timeout)
        take(lane)
        let recorded = receiver.recorded(from: loses ? nil : next[lane])
        if !batch.frames.isEmpty { wanted = recorded }
        next[lane] += UInt64(batch.frames.count)
    }

    private func take(_ lane: Int) {
        for frame in batch.frames where frame.transport != .service {
            frames.append(
                Seen(
                    bytes: batch.slab.bytes(frame.extent).array, frame: frame, origin: batch.origin(of: frame),
                    lane: lane))
        }
    }

    /// Polls all lanes until `condition` holds, for at most `seconds`; answers whether it does.
    @discardableResult
    func serve(seconds: Double = 60, until condition: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if condition() { return true }
            for lane in input.receivers.indices { poll(lane) }
        }
        return condition()
    }

    /// Polls for a while, to see that nothing happens.
    func serve(milliseconds: Int) { serve(seconds: Double(milliseconds) / 1000) { false } }

    func acknowledge(_ durable: UInt64, lane: Int = 0) { input.receivers[lane].acknowledge(durable: durable) }

    /// Keeps the number of frames, not their bytes.
    func forget() { for index in frames.indices { frames[index].bytes = [] } }

    func finish() {
        for lane in input.receivers.indices {
            batch.reset(lane: lane)
            input.receivers[lane].finish(into: &batch)
            take(lane)
        }
    }
}

/// A TCP client without any buffering of its own; it never waits.
final class RawClient {
    private let descriptor: Int32
    private(set) var received: [UInt8] = []
    private(set) var isClosed = false

    init(_ port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(status == 0)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close() }

    private var isOpen = true
    func close() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
    }

    /// Breaks the connection off with a reset, as a host does that was switched off and on.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Ends the own direction; the other one stays open.
    func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Sends what the socket takes; answers how many bytes that were.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int { bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } }
    @discardableResult
    func send(_ text: String) -> Int { send(Array(text.utf8)) }

    /// Everything received so far.
    var text: String {
        var room = [UInt8](repeating: 0, count: 65_536)
        while isOpen, !isClosed {
            let count = read(descriptor, &room, room.count)
            if count > 0 { received += room[..<count] } else if count == 0 || errno != EAGAIN { isClosed = true }
            if count <= 0 { break }
        }
        return String(decoding: received, as: UTF8.self)
    }

    /// Whether the server has closed.
    var hasEnded: Bool {
        _ = text
        return isClosed
    }
}

/// The client's side of RELP, frame by frame.
enum RELP {
    static func frame(_ number: Int, _ command: String, _ data: String = "") -> String {
        data.isEmpty ? "\(number) \(command) 0\n" : "\(number) \(command) \(data.utf8.count) \(data)\n"
    }
    static let open = frame(1, "open", "relp_version=0\nrelp_software=test\ncommands=syslog")

    /// The transaction numbers that `text` answers with 200, in their order, without that of `open`.
    static func acknowledged(_ text: String) -> [Int] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count >= 4, words[1] == "rsp", words[3] == "200", let number = Int(words[0]) else { return nil }
            return number == 1 ? nil : number
        }
    }
}

extension RawClient {
    /// A client whose session is open.
    static func relp(_ lanes: HandLanes, listener: Int = 0) -> RawClient {
        let client = RawClient(lanes.port(listener))
        client.send(RELP.open)
        #expect(lanes.serve { client.text.contains("1 rsp") })
        #expect(client.text.contains("200 OK"))
        return client
    }
    var acknowledged: [Int] { RELP.acknowledged(text) }
}
