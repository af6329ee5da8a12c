// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Delivery
internal import Events
internal import Instruments
internal import Journal
internal import Logging
internal import Normalizer
internal import Receivers
internal import Transport
internal import Wire

/// One lane of `pipeline: parse`: a thread that receives, journals, parses, and writes a JSON line a message.
struct ParseLane: Sendable {
    let hub: Hub
    let receiver: SyslogReceiver
    /// The names of listeners by their number.
    let sources: [String]
    let files: [LineFile]
    let log: JournalLog?
    let logger: Logger

    /// Runs until the hub says stop and everything that waited in the sockets was taken in.
    func run() {
        let parser = SyslogParser(SyslogOptions())
        let table = hub.knowledge.mappings.table
        var generation = hub.knowledgeGeneration
        var known = hub.knowledge.senders
        let lost = hub.registry.dropped(stage: "lines", reason: "shutdown")
        var recorder = Recorder(hub: hub, lane: receiver.lane, log: log, logger: logger)
        var batch = Batch(table: table, lane: receiver.lane)
        var lines = Slab(capacity: 1 << 20)
        var counters = MessageCounters(hub.registry, sources: sources)
        var end = StopWatch()
        var memory = SyslogMemory()
        var grace = StopWatch()
        while true {
            let isLast = hub.isStopping
            batch.reset()
            let count = receiver.poll(into: &batch, timeout: isLast ? 0 : 200)
            let isDone = isLast && (count == 0 || end.isOver)
            if isDone {
                receiver.acknowledgeAll(log)
                receiver.finish(into: &batch)
            }
            recorder.record(&batch) { receiver.shed() }
            if let through = receiver.recorded(from: log == nil ? 0 : batch.position?.first) {
                _ = log?.wantsDurable(below: through)
            }
            if hub.knowledgeGeneration != generation {
                generation = hub.knowledgeGeneration
                known = hub.knowledge.senders
            }
            lines.reset()
            for index in batch.frames.indices {
                let frame = batch.frames[index]
                let bytes = batch.slab.bytes(frame.extent)
                let source =
                    known.isEmpty
                    ? nil : known.number(of: frame.peer, input: known.asksForInputs ? name(of: frame) : "")
                // To choose between two parsers would copy one, each time.
                if let source {
                    let special = known.parser(source)
                    ParseLane.write(bytes, frame, special, &memory, &counters, &lines)
                } else {
                    ParseLane.write(bytes, frame, parser, &memory, &counters, &lines)
                }
            }
            counters.flush()
            if lines.count > 0, !write(lines.bytes, &grace) {
                lost.add(batch.frames.count)
                logger.error("lane \(receiver.lane): \(batch.frames.count) messages are lost, the lines took nothing")
            }
            receiver.acknowledge(durable: log?.durable ?? .max)
            if isDone { return }
        }
    }

    private static func write(
        _ bytes: RawSpan, _ frame: Frame, _ parser: SyslogParser, _ memory: inout SyslogMemory,
        _ counters: inout MessageCounters, _ lines: inout Slab
    ) {
        let message = parser.parse(bytes, receivedAt: frame.received, remembering: &memory)
        counters.note(Int(frame.listener), message.format, message.problems)
        SyslogJSON.write(message, of: bytes, by: parser, into: &lines)
        lines.append(byte: 0x0A)
    }

    private func name(of frame: Frame) -> String {
        sources.indices.contains(Int(frame.listener)) ? sources[Int(frame.listener)] : ""
    }

    /// Writes to every file; a file that takes nothing is waited for, which stops the lane's receiving, until a stop. A
    /// pipe that is full then has five more seconds.
    private func write(_ lines: RawSpan, _ grace: inout StopWatch) -> Bool {
        var complained = false
        for file in files {
            while true {
                do {
                    try file.write(lines) { !hub.isStopping || !grace.isOver }
                    break
                } catch {
                    if !complained {
                        logger.error("lines: \(error.description); receiving waits until it can be written")
                    }
                    complained = true
                    if hub.isStopping { return false }
                    sleepMilliseconds(100)
                }
            }
        }
        return true
    }
}
