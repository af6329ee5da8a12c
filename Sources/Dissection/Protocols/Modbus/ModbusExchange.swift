// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Captured frames that brought a message; bounded in number and bytes.
struct ModbusFrames {
    private static let maxFrames = 16
    private static let maxBytes = 16 * 1024

    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var isEmpty: Bool { ends.isEmpty }

    mutating func add(_ frame: RawSpan, limit: Int) {
        let part = frame.part(0, limit)
        guard !part.isEmpty, ends.count < ModbusFrames.maxFrames,
            bytes.count + part.byteCount <= ModbusFrames.maxBytes
        else { return }
        bytes.append(part)
        ends.append(bytes.count)
    }

    mutating func add(_ others: ModbusFrames) {
        for end in others.ends { ends.append(bytes.count + end) }
        bytes.append(contentsOf: others.bytes)
    }

    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    func write(_ field: RecordField, into writer: inout RecordWriter) {
        let all = bytes.bytes
        var start = 0
        for end in ends {
            writer.put(field, all.part(start, end - start))
            start = end
        }
    }
}

/// A message that waits for its counterpart: a request for its response, or a response for a request that the capture
/// holds later. Its buffers are used again.
struct ModbusExchange {
    var transaction: UInt16 = 0
    var unit: UInt8 = 0
    var function: UInt8 = 0
    var time: Int64 = 0
    /// The flow's number of packets when it came.
    var packet = 0
    /// Of a request: the sequence number behind it. Of a response: what its sender had received.
    var sequence: UInt32 = 0
    var message: [UInt8] = []
    var frames = ModbusFrames()
    var anomalies = ModbusAnomalies()

    mutating func clear() {
        message.removeAll(keepingCapacity: true)
        frames.clear()
        anomalies = ModbusAnomalies()
    }
}

/// The bytes of a message that spans segments.
struct ModbusAssembly {
    var bytes: [UInt8] = []
    var frames = ModbusFrames()
    /// When the first of the bytes came.
    var since: Int64 = 0
    /// Set behind a gap: the next bytes may be the middle of a message.
    var isLost = false

    /// Takes bytes from `payload` at `offset` until `count` are there; answers how many it took.
    mutating func fill(_ payload: RawSpan, at offset: Int, to count: Int) -> Int {
        let part = payload.part(offset, count - bytes.count)
        bytes.append(part)
        return part.byteCount
    }

    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        frames.clear()
    }
}
