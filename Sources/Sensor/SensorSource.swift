// SPDX-License-Identifier: Apache-2.0
internal import CPcap
public import Dissection
public import Events
internal import Glibc
internal import Wire

/// A capture, live or from a file, as a source of frames: each sensor record becomes a frame of a batch.
///
/// A frame's bytes are a record for ``RecordReader`` with the numbers of ``RecordField``; its time is the packet's own.
/// A source belongs to one thread at a time; it may move, because nothing in it is shared.
public struct SensorSource: ~Copyable, @unchecked Sendable {
    /// Where a source stands after reading.
    public enum Progress: Equatable, Sendable {
        /// There is more at once.
        case more
        /// A live capture has nothing at the moment.
        case waiting
        /// The file has ended; all its records are given out.
        case ended
    }

    /// One of the two is there.
    private var file: CaptureFile?
    private var live: LiveCapture?
    private var engine: PacketEngine
    private let link: LinkType?
    private let listener: UInt16
    private let instruments: SensorInstruments?
    private var hasEnded = false

    /// A source that reads a capture file to its end. `listener` is the source's number in the configuration.
    public init(
        file: consuming CaptureFile, listener: UInt16 = 0, options: EngineOptions = EngineOptions(),
        instruments: SensorInstruments? = nil
    ) {
        self.link = file.link
        self.fileDescriptor = -1
        self.file = consume file
        self.live = nil
        self.engine = PacketEngine(options: options)
        self.listener = listener
        self.instruments = instruments
    }

    /// A source that captures an interface.
    public init(
        live: consuming LiveCapture, listener: UInt16 = 0, options: EngineOptions = EngineOptions(),
        instruments: SensorInstruments? = nil
    ) {
        self.link = live.link
        self.fileDescriptor = live.fileDescriptor
        self.file = nil
        self.live = consume live
        self.engine = PacketEngine(options: options)
        self.listener = listener
        self.instruments = instruments
    }

    /// What an event loop waits on; -1 for files, which are always ready.
    public let fileDescriptor: Int32

    /// What has been seen so far.
    public var summary: EngineSummary { engine.summary }

    /// Reads at most `limit` packets and appends their records to `batch`.
    ///
    /// A broken file throws once, after the records of the packets before the break are in `batch`; then it has ended.
    public mutating func read(into batch: inout Batch, packets limit: Int = 1024) throws(CaptureError) -> Progress {
        guard !hasEnded else { return .ended }
        var isEmpty = false
        do {
            isEmpty = try SensorSource.take(limit, &file, &live, link, &engine)
        } catch {
            finish(into: &batch)
            throw error
        }
        guard isEmpty else {
            drain(into: &batch)
            return .more
        }
        if live == nil {
            finish(into: &batch)
            return .ended
        }
        // Nothing came: what waits for packets is judged by the clock.
        engine.expire(now: SensorSource.now())
        drain(into: &batch)
        return .waiting
    }

    /// Ends all flows and appends their records; for a live capture that stops.
    public mutating func finish(into batch: inout Batch) {
        hasEnded = true
        engine.flush()
        drain(into: &batch)
    }

    /// Takes at most `limit` packets; answers whether there were fewer.
    private static func take(
        _ limit: Int, _ file: inout CaptureFile?, _ live: inout LiveCapture?, _ link: LinkType?,
        _ engine: inout PacketEngine
    ) throws(CaptureError) -> Bool {
        func packet(_ bytes: RawSpan, _ time: Int64, _ length: Int) {
            if let link {
                engine.packet(bytes, link: link, time: time, originalLength: length)
            } else {
                engine.skipUnsupportedLink()
            }
        }
        for _ in 0..<limit {
            if let isThere = try file?.next(packet) {
                guard isThere else { return true }
            } else {
                guard try live?.next(packet) == true else { return true }
            }
        }
        return false
    }

    private mutating func drain(into batch: inout Batch) {
        let count = engine.recordCount
        for index in 0..<count {
            batch.append(
                engine.record(at: index), received: engine.time(ofRecord: index), listener: listener,
                transport: .sensor)
        }
        engine.resetRecords()
        guard let instruments else { return }
        instruments.update(engine.summary, records: count)
        if let drops = live?.drops { instruments.update(drops) }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
