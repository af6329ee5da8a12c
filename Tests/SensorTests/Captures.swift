// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Writes capture files with one Modbus transaction after another.
struct CaptureWriter {
    enum Format: CaseIterable {
        case microseconds, nanoseconds, bigEndian, bigEndianNanoseconds, pcapng
    }

    var packets: [(time: Int64, bytes: [UInt8])] = []
    static let start: Int64 = 1_700_000_000_123_456_789

    /// `count` transactions of function 3, an answer a millisecond after each request.
    init(transactions count: Int) {
        var sequence: (UInt32, UInt32) = (1, 1)
        for index in 0..<count {
            let time = CaptureWriter.start + Int64(index) * 10_000_000
            let transaction = word(UInt16(truncatingIfNeeded: index))
            let request = transaction + [0, 0, 0, 6, 1, 3, 0, 0, 0, 1]
            packets.append((time, frame(true, request, sequence.0, sequence.1)))
            sequence.0 += 12
            packets.append(
                (time + 1_000_000, frame(false, transaction + [0, 0, 0, 5, 1, 3, 2, 0, 7], sequence.1, sequence.0)))
            sequence.1 += 11
        }
    }

    private func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    private func long(_ value: UInt32) -> [UInt8] {
        word(UInt16(value >> 16)) + word(UInt16(truncatingIfNeeded: value))
    }

    private func frame(_ fromClient: Bool, _ payload: [UInt8], _ sequence: UInt32, _ acknowledged: UInt32) -> [UInt8] {
        let ends: ([UInt8], [UInt8]) = fromClient ? ([10, 0, 0, 1], [10, 0, 0, 2]) : ([10, 0, 0, 2], [10, 0, 0, 1])
        let ports: (UInt16, UInt16) = fromClient ? (40_000, 502) : (502, 40_000)
        let ip: [UInt8] =
            [0x45, 0] + word(UInt16(40 + payload.count)) + [0, 1, 0, 0, 64, 6, 0, 0] + ends.0 + ends.1
        let tcp: [UInt8] =
            word(ports.0) + word(ports.1) + long(sequence) + long(acknowledged) + [0x50, 0x18, 0x20, 0, 0, 0, 0, 0]
        return [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0] + ip + tcp + payload
    }

    /// The bytes of a file.
    func file(_ format: Format, link: UInt32 = 1) -> [UInt8] {
        let isBig = format == .bigEndian || format == .bigEndianNanoseconds
        let isNano = format == .nanoseconds || format == .bigEndianNanoseconds
        func number(_ value: UInt32) -> [UInt8] { isBig ? long(value) : long(value).reversed() }
        func half(_ value: UInt16) -> [UInt8] { isBig ? word(value) : word(value).reversed() }
        if format == .pcapng {
            var bytes = number(0x0A0D_0D0A) + number(28) + number(0x1A2B_3C4D) + half(1) + half(0)
            bytes += number(.max) + number(.max) + number(28)
            // Interface: link type, snap length, option 9: nanoseconds.
            bytes += number(1) + number(32) + half(UInt16(link)) + half(0) + number(65_535)
            bytes += half(9) + half(1) + [9, 0, 0, 0] + half(0) + half(0) + number(32)
            for packet in packets {
                let padded = packet.bytes + [UInt8](repeating: 0, count: (4 - packet.bytes.count % 4) % 4)
                let time = UInt64(packet.time)
                bytes += number(6) + number(UInt32(32 + padded.count)) + number(0)
                bytes += number(UInt32(time >> 32)) + number(UInt32(truncatingIfNeeded: time))
                bytes += number(UInt32(packet.bytes.count)) + number(UInt32(packet.bytes.count)) + padded
                bytes += number(UInt32(32 + padded.count))
            }
            return bytes
        }
        var bytes = number(isNano ? 0xA1B2_3C4D : 0xA1B2_C3D4) + half(2) + half(4)
        bytes += number(0) + number(0) + number(65_535) + number(link)
        for packet in packets {
            let fraction = packet.time % 1_000_000_000
            bytes += number(UInt32(packet.time / 1_000_000_000)) + number(UInt32(isNano ? fraction : fraction / 1000))
            bytes += number(UInt32(packet.bytes.count)) + number(UInt32(packet.bytes.count)) + packet.bytes
        }
        return bytes
    }
}

/// A folder for one test, which removes it.
struct Scratch {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("sensor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// Writes `bytes` and gives the path.
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let url = folder.appendingPathComponent(name)
        try Data(bytes).write(to: url)
        return url.path
    }
}
