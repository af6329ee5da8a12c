// SPDX-License-Identifier: Apache-2.0
internal import Dissection
internal import Events
internal import Glibc
internal import Instruments
internal import Journal
internal import Logging
internal import Normalizer
internal import Sensor
internal import Synchronization
internal import Wire

/// One sensor: a thread that captures, dissects, normalizes, enriches and matches its own batches.
final class SensorLane: @unchecked Sendable {
    /// The sensor's name.
    let name: String
    private let hub: Hub
    private let source: Configuration.SensorSource
    private let lane: Int
    private let uidPrefix: String
    private let journal: Journal?
    private let outputs: Outputs
    private let log: Logger
    private let names: SourceNames
    private let done = Atomic<Bool>(false)
    private let opened: Mutex<LiveBox?>

    /// A live capture on its way to its thread.
    private final class LiveBox: @unchecked Sendable {
        var capture: LiveCapture?
        init(_ capture: consuming LiveCapture) { self.capture = consume capture }
    }

    /// Opens a live capture; a file is opened by the thread, because a pipe opens only when its writer does.
    init(
        hub: Hub, source: Configuration.SensorSource, lane: Int, uidPrefix: String, journal: Journal?,
        outputs: Outputs, names: SourceNames, log: Logger
    ) throws {
        self.hub = hub
        self.source = source
        self.lane = lane
        self.uidPrefix = uidPrefix
        self.journal = journal
        self.outputs = outputs
        self.log = log
        self.names = names
        name = source.name
        if let interface = source.interface {
            var options = LiveOptions(interface: interface)
            options.filter = source.filter
            options.isPromiscuous = source.promiscuous
            let capture = try LiveCapture(options)
            if let warning = capture.warning { log.warning("sensor \(name): \(warning)") }
            opened = Mutex(LiveBox(capture))
        } else {
            try Input.readable(source.file ?? "")
            opened = Mutex(nil)
        }
    }

    /// Whether the capture has ended.
    var isDone: Bool { done.load(ordering: .acquiring) }

    /// Runs to the end of the file, or until the hub says stop.
    func run() {
        defer { done.store(true, ordering: .releasing) }
        let instruments = SensorInstruments(registry: hub.registry, source: name)
        let number = UInt16(truncatingIfNeeded: lane)
        if let box = opened.withLock({ $0.take() }), let capture = box.capture.take() {
            work(SensorSource(live: capture, listener: number, instruments: instruments))
            return
        }
        do {
            let capture = try CaptureFile(path: source.file ?? "", filter: source.filter)
            work(
                SensorSource(file: capture, listener: number, instruments: instruments),
                packets: Input.isRegular(source.file ?? "") ? 1024 : 1)
        } catch {
            log.error("sensor \(name): \(error)")
            hub.registry.dropped(stage: "capture", reason: "unreadable").add()
        }
    }

    /// `packets` at a time: one from a pipe, because libpcap waits until it has as many as it was asked for.
    private func work(_ sensor: consuming SensorSource, packets: Int = 1024) {
        var sensor = sensor
        var work = LaneWork(
            hub: hub, lane: lane, log: journal?.log(lane), outputs: outputs, sources: [], uidPrefix: uidPrefix,
            stage: "sensor",
            recoveries: journal?.recoveries ?? [], logger: log,
            names: names)
        var isLast = false
        while !isLast {
            work.closeGap()
            var batch = work.emptyBatch()
            var isWaiting = false
            do {
                switch try sensor.read(into: &batch, packets: packets) {
                case .more: break
                case .waiting: isWaiting = true
                case .ended: isLast = true
                }
            } catch {
                log.error("sensor \(name): \(error); what came before was processed")
                hub.registry.dropped(stage: "capture", reason: "broken_file").add()
                isLast = true
            }
            if hub.isStopping, !isLast {
                sensor.finish(into: &batch)
                isLast = true
            }
            work.record(&batch) {}
            work.process(batch)
            if isWaiting, !isLast { SensorLane.wait(sensor.fileDescriptor) }
        }
        if !hub.isStopping { log.info("sensor \(name): \(sensor.summary.packets) packets, the capture has ended") }
    }

    /// Waits for packets, at most 100 ms.
    private static func wait(_ descriptor: Int32) {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if descriptor < 0 || poll(&wanted, 1, 100) < 0 { sleepMilliseconds(10) }
    }
}
