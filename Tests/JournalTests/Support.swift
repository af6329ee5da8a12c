// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Instruments
import Journal
import Logging
import Testing
import Wire

/// A folder of its own that goes when the test does.
final class Scratch {
    let path: String

    /// A folder; in memory where a test opens hundreds of journals, which are a dozen fsync(2) each, and its subject is
    /// what they hold, not the disk.
    init(inMemory: Bool = false) {
        let memory = "/dev/shm/"
        let root = inMemory && access(memory, W_OK) == 0 ? memory : NSTemporaryDirectory()
        path = root + "penstock-journal-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func segments(_ log: Int = 0, in folder: String? = nil) -> [String] {
        let folder = "\(folder ?? path)/log-\(log)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".seg") }.sorted().map { "\(folder)/\($0)" }
    }

    func copy() throws -> Scratch {
        let copy = Scratch(inMemory: path.hasPrefix("/dev/shm/"))
        var attempts = 0
        while true {
            try FileManager.default.removeItem(atPath: copy.path)
            do {
                try FileManager.default.copyItem(atPath: path, toPath: copy.path)
                return copy
            } catch {
                // A living journal renames its `anchor.new` once a second: the list of files may be old.
                attempts += 1
                guard attempts < 5 else { throw error }
            }
        }
    }

    func bytes(_ file: String) -> [UInt8] { [UInt8](FileManager.default.contents(atPath: file) ?? Data()) }
    func write(_ bytes: [UInt8], _ file: String) {
        _ = FileManager.default.createFile(atPath: file, contents: Data(bytes))
    }
}

let quiet: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = ProcessInfo.processInfo.environment["PENSTOCK_SHOW"] == nil ? .critical : .info
    return logger
}()

/// A frame with everything that must come back.
struct Kept: Equatable {
    var bytes: [UInt8]
    var received: Int64
    var peer: IPAddress?
    var peerPort: UInt16
    var listener: UInt16
    var transport: TransportKind
    var isCut: Bool
    var origin: Origin?
}

func settings(_ path: String, segment: Int = 64 << 20, retain: Int = 8 << 30) -> JournalSettings {
    JournalSettings(directory: path, segmentBytes: segment, retainBytes: retain, commitInterval: 20, reserveBytes: 0)
}

func open(
    _ settings: JournalSettings, logs: Int = 1, registry: Registry = Registry()
) throws -> Journal { try Journal.open(settings, logs: logs, registry: registry, logger: quiet) }

/// Frames of one batch and what they must be read as.
func fill(_ batch: inout Batch, _ count: Int, _ random: inout Random) -> [Kept] {
    batch.reset()
    var kept: [Kept] = []
    let words = ["session", "closed", "tcp", "write", "register", "denied", "10.1.2.3", "login"]
    var peer = IPAddress("10.0.0.1")
    for _ in 0..<count {
        var bytes: [UInt8]
        switch Int.random(in: 0..<40, using: &random) {
        case 0: bytes = []
        case 1: bytes = random.bytes(Int.random(in: 0...70_000, using: &random))
        case 2: bytes = random.bytes(200)
        default:
            let text = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                words.randomElement(using: &random) ?? ""
            }
            bytes = Array(text.joined(separator: " ").utf8)
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            peer =
                [nil, IPAddress("fd00::\(Int.random(in: 1...9, using: &random))"), IPAddress("192.168.3.4")]
                .randomElement(using: &random) ?? nil
        }
        var origin: Origin?
        if Int.random(in: 0..<4, using: &random) == 0 {
            origin = Origin(
                subject: "CN=plc-\(Int.random(in: 0..<5, using: &random))", fingerprint: "ab", proxy: peer, path: "/x")
        }
        let one = Kept(
            bytes: bytes, received: Int64.random(in: Int64.min...Int64.max, using: &random), peer: peer,
            peerPort: UInt16.random(in: 0...3, using: &random), listener: UInt16.random(in: 0...2, using: &random),
            transport: TransportKind.allCases.randomElement(using: &random) ?? .udp,
            isCut: Bool.random(using: &random), origin: origin)
        let number = origin.map { batch.number(of: $0) } ?? 0
        batch.append(
            one.bytes.span.bytes, received: one.received, peer: one.peer, peerPort: one.peerPort,
            listener: one.listener, transport: one.transport, isCut: one.isCut, origin: number)
        kept.append(one)
    }
    return kept
}

func kept(_ batch: borrowing Batch) -> [Kept] {
    var all: [Kept] = []
    for frame in batch.frames {
        all.append(
            Kept(
                bytes: batch.slab.bytes(frame.extent).array, received: frame.received, peer: frame.peer,
                peerPort: frame.peerPort, listener: frame.listener, transport: frame.transport, isCut: frame.isCut,
                origin: batch.origin(of: frame)))
    }
    return all
}

/// Everything that a reader finds, with the positions it gave.
func readAll(
    _ reader: JournalReader, most: Int = 4096
) throws -> (frames: [Kept], positions: [(JournalPosition, Int)]) {
    var batch = Batch(table: emptyTable)
    var frames: [Kept] = []
    var positions: [(JournalPosition, Int)] = []
    while try reader.next(into: &batch, mostFrames: most) {
        frames += kept(batch)
        if let position = batch.position { positions.append((position, batch.frames.count)) }
        batch.reset()
    }
    return (frames, positions)
}

let emptyTable = FieldTable.Builder().build()

/// Where two runs of frames differ; nil when they are equal. (The frames themselves would fill the screen.)
func difference(_ read: [Kept], _ written: some Sequence<Kept>) -> String? {
    let written = Array(written)
    if read.count != written.count { return "\(read.count) frames instead of \(written.count)" }
    return read.indices.first { read[$0] != written[$0] }.map { "frame \($0)" }
}

func put(_ bytes: [UInt8], _ batch: inout Batch) { batch.append(bytes.span.bytes, received: 1, transport: .udp) }
