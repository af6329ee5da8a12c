// SPDX-License-Identifier: Apache-2.0
import Dissection
import Foundation

/// One captured frame.
struct CapturedPacket {
    var time: Int64
    var bytes: [UInt8]
    var originalLength: Int
    var link: Int
}

/// A small reader of pcap and pcapng, so that these tests need no library: both byte orders, both time resolutions.
enum CaptureFile {
    static func read(_ url: URL) throws -> [CapturedPacket] {
        let data = [UInt8](try Data(contentsOf: url))
        guard data.count >= 24 else { return [] }
        return word(data, 0, false) == 0x0A0D_0D0A ? ng(data) : classic(data)
    }

    private static func word(_ data: [UInt8], _ at: Int, _ isBig: Bool) -> UInt32 {
        guard at + 4 <= data.count else { return 0 }
        let bytes = data[at..<at + 4]
        return (isBig ? Array(bytes) : bytes.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func half(_ data: [UInt8], _ at: Int, _ isBig: Bool) -> UInt16 {
        guard at + 2 <= data.count else { return 0 }
        return isBig ? UInt16(data[at]) << 8 | UInt16(data[at + 1]) : UInt16(data[at + 1]) << 8 | UInt16(data[at])
    }

    private static func classic(_ data: [UInt8]) -> [CapturedPacket] {
        let magic = word(data, 0, true)
        let isBig = magic == 0xA1B2_C3D4 || magic == 0xA1B2_3C4D
        let isNano = magic == 0xA1B2_3C4D || magic == 0x4D3C_B2A1
        let link = Int(word(data, 20, isBig) & 0xFFFF)
        var packets: [CapturedPacket] = []
        var at = 24
        while at + 16 <= data.count {
            let captured = Int(word(data, at + 8, isBig))
            guard at + 16 + captured <= data.count else { break }
            let fraction = Int64(word(data, at + 4, isBig)) * (isNano ? 1 : 1000)
            packets.append(
                CapturedPacket(
                    time: Int64(word(data, at, isBig)) * 1_000_000_000 + fraction,
                    bytes: Array(data[at + 16..<at + 16 + captured]),
                    originalLength: Int(word(data, at + 12, isBig)), link: link))
            at += 16 + captured
        }
        return packets
    }

    private static func ng(_ data: [UInt8]) -> [CapturedPacket] {
        var packets: [CapturedPacket] = []
        var isBig = false
        var links: [(link: Int, units: Int64)] = []
        var at = 0
        while at + 12 <= data.count {
            if word(data, at, false) == 0x0A0D_0D0A {
                isBig = word(data, at + 8, true) == 0x1A2B_3C4D
                links = []
            }
            let length = Int(word(data, at + 4, isBig))
            guard length >= 12, at + length <= data.count else { break }
            switch word(data, at, isBig) {
            case 1:
                var units: Int64 = 1_000_000
                var option = at + 16
                while option + 4 <= at + length - 4, half(data, option, isBig) != 0 {
                    if half(data, option, isBig) == 9 {
                        units = (0..<Int(data[option + 4] & 0x7F)).reduce(1) { value, _ in value * 10 }
                    }
                    option += 4 + (Int(half(data, option + 2, isBig)) + 3) / 4 * 4
                }
                links.append((Int(half(data, at + 8, isBig)), units))
            case 6:
                let interface = Int(word(data, at + 8, isBig))
                let captured = Int(word(data, at + 20, isBig))
                guard interface < links.count, at + 28 + captured <= data.count else { break }
                let time = Int64(word(data, at + 12, isBig)) << 32 | Int64(word(data, at + 16, isBig))
                packets.append(
                    CapturedPacket(
                        time: time * (1_000_000_000 / links[interface].units),
                        bytes: Array(data[at + 28..<at + 28 + captured]),
                        originalLength: Int(word(data, at + 24, isBig)), link: links[interface].link))
            default: break
            }
            at += length
        }
        return packets
    }
}

/// Where the reference captures are.
enum Cases {
    /// The folder `shared/cases/pcap` beside the checkout, or nil.
    static let pcap: URL? = {
        if let path = ProcessInfo.processInfo.environment["PENSTOCK_CASES"] {
            let url = URL(fileURLWithPath: path).appendingPathComponent("pcap")
            return FileManager.default.fileExists(atPath: url.path) ? url : nil
        }
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        while folder.path != "/" {
            let url = folder.appendingPathComponent("shared/cases/pcap")
            if FileManager.default.fileExists(atPath: url.path) { return url }
            folder.deleteLastPathComponent()
        }
        return nil
    }()

    /// A line of the counts that a tool made: function codes and exceptions by capture.
    static func tshark() throws -> [String: [Int: Int]] {
        guard let pcap else { return [:] }
        let text = try String(contentsOf: pcap.appendingPathComponent("tool-counts/tshark.jsonl"), encoding: .utf8)
        var counts: [String: [Int: Int]] = [:]
        for line in text.split(separator: "\n") {
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let file = object["file"] as? String, let fields = object["fields"] as? [String: Any],
                let functions = fields["modbus.func_code"] as? [String: Int]
            else { continue }
            let path = file.replacingOccurrences(of: "/share/", with: "/")
            counts[path] = Dictionary(
                uniqueKeysWithValues: functions.compactMap { code, count in
                    Int(code).map { ($0, count) }
                })
        }
        return counts
    }
}
