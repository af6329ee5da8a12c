// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogParser {
    /// Walks the structured data at `start`, keeps what is wrong with it, and returns the offset after it.
    func checkStructuredData(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) -> Int {
        if let end = endOfStrictData(bytes, start) {
            message.structuredData = Extent(start..<end)
            return end
        }
        var data = StructuredData(bytes, at: start)
        var seen = SeenNames()
        while let step = data.next() {
            guard case .element(let name) = step, seen.contains(name, bytes) else { continue }
            message.fault(Int(name.offset), .structuredDataRepeated)
        }
        if !data.isWellFormed { message.fault(data.faultOffset, data.problems) }
        message.problems.formUnion(data.problems)
        if data.hasLostData { message.hasLostData = true }
        message.structuredData = Extent(start..<data.end)
        return data.end
    }

    /// The end of structured data that meets RFC 5424 section 6.3 in all, or nil: escapes, text beyond ASCII and many
    /// elements, which the strict reader leaves, are read at a third of the cost of the walk that finds out what is wrong.
    private func endOfStrictData(_ bytes: RawSpan, _ start: Int) -> Int? {
        var seen = SeenNames()
        var position = start
        while bytes.byte(at: position) == 0x5B {
            let name = position &+ 1
            position = bytes.endOfName(from: name)
            guard position > name, position &- name <= 32, !seen.contains(Extent(name..<position), bytes) else {
                return nil
            }
            while bytes.byte(at: position) == 0x20 {
                let key = position &+ 1
                position = bytes.endOfName(from: key)
                guard position > key, position &- key <= 32, bytes.byte(at: position) == 0x3D,
                    bytes.byte(at: position &+ 1) == 0x22
                else { return nil }
                let value = position &+ 2
                var isASCII = true
                position = bytes.endOfParameterText(from: value, &isASCII)
                while bytes.byte(at: position) == 0x5C {
                    guard let escaped = bytes.byte(at: position &+ 1),
                        escaped == 0x22 || escaped == 0x5C || escaped == 0x5D
                    else { return nil }
                    position = bytes.endOfParameterText(from: position &+ 2, &isASCII)
                }
                guard bytes.byte(at: position) == 0x22,
                    isASCII || bytes.part(value, position &- value).isValidUTF8
                else { return nil }
                position &+= 1
            }
            guard bytes.byte(at: position) == 0x5D else { return nil }
            position &+= 1
        }
        return position
    }
}

/// The SD-IDs met so far. Only so many are compared with each other: a hostile message has thousands of them, and must
/// cost linear time.
private struct SeenNames {
    private var names: [32 of Extent] = .init(repeating: .empty)
    private var count = 0

    /// Whether `name` was met before; remembers it.
    @inline(__always)
    mutating func contains(_ name: Extent, _ bytes: RawSpan) -> Bool {
        for index in 0..<count
        where names[index].length == name.length && bytes.part(names[index]).equals(bytes.part(name)) {
            return true
        }
        if count < names.count {
            names[count] = name
            count += 1
        }
        return false
    }
}
