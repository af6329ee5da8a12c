// SPDX-License-Identifier: Apache-2.0

/// Writes `Encodable` values as canonical JSON: members sorted, names in snake case, no blanks, as little escaped as
/// RFC 8259 allows.
///
/// Foundation's encoder can do the same; this one takes a tenth of its time, which counts because each firing makes a
/// revision and each revision is hashed.
enum CanonicalJSON {
    static func bytes(of value: some Encodable) throws -> [UInt8] {
        let output = Output()
        try Node(output).write(value)
        return output.bytes
    }

    fileprivate final class Output {
        var bytes: [UInt8] = []
        /// The written forms of member names: `"event_uid":`.
        var names: [String: [UInt8]] = [:]

        func name(_ key: String) -> [UInt8] {
            if let known = names[key] { return known }
            var name: [UInt8] = [0x22]
            for byte in key.utf8 {
                if byte >= 0x41, byte <= 0x5A { name += [0x5F, byte | 0x20] } else { name.append(byte) }
            }
            name += [0x22, 0x3A]
            names[key] = name
            return name
        }

        func append(_ text: String) {
            bytes.append(0x22)
            var text = text
            text.withUTF8 { utf8 in
                if utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
                    bytes.append(contentsOf: utf8)
                } else {
                    for byte in utf8 { append(escaping: byte) }
                }
            }
            bytes.append(0x22)
        }

        private func append(escaping byte: UInt8) {
            switch byte {
            case 0x22, 0x5C: bytes += [0x5C, byte]
            case 0x08: bytes += [0x5C, 0x62]
            case 0x09: bytes += [0x5C, 0x74]
            case 0x0A: bytes += [0x5C, 0x6E]
            case 0x0C: bytes += [0x5C, 0x66]
            case 0x0D: bytes += [0x5C, 0x72]
            case 0..<0x20:
                let low = byte & 15
                bytes += [0x5C, 0x75, 0x30, 0x30, 0x30 + byte >> 4, low < 10 ? 0x30 + low : 0x57 + low]
            default: bytes.append(byte)
            }
        }

        /// Puts the members that were written from `start` on in the order of their names.
        func close(_ members: [(name: [UInt8], value: Range<Int>)], from start: Int) {
            var object: [UInt8] = [0x7B]
            object.reserveCapacity(bytes.count - start + members.count * 16)
            for member in members.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
                if object.count > 1 { object.append(0x2C) }
                object += member.name
                object += bytes[member.value]
            }
            object.append(0x7D)
            bytes.replaceSubrange(start..., with: object)
        }
    }

    /// One value in the making.
    fileprivate final class Node: Encoder {
        let output: Output
        var codingPath: [any CodingKey] { [] }
        var userInfo: [CodingUserInfoKey: Any] { [:] }
        var members: [(name: [UInt8], value: Range<Int>)]?
        var items: Int?

        init(_ output: Output) { self.output = output }

        func write<Value: Encodable>(_ value: Value) throws {
            // Comparing types costs a fraction of casting values, and most values are of these.
            if Value.self == Moment.self, let moment = value as? Moment {
                output.append(moment.description)
            } else if Value.self == String.self, let text = value as? String {
                output.append(text)
            } else if Value.self == Int.self, let number = value as? Int {
                output.bytes.append(contentsOf: String(number).utf8)
            } else if Value.self == Bool.self, let truth = value as? Bool {
                output.bytes.append(contentsOf: (truth ? "true" : "false").utf8)
            } else {
                let start = output.bytes.count
                let node = Node(output)
                try value.encode(to: node)
                if let members = node.members { output.close(members, from: start) }
                if let items = node.items { output.bytes.append(contentsOf: (items == 0 ? "[]" : "]").utf8) }
            }
        }

        func container<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
            members = members ?? []
            return KeyedEncodingContainer(Keyed<Key>(node: self))
        }

        func unkeyedContainer() -> any UnkeyedEncodingContainer {
            items = items ?? 0
            return Listed(node: self)
        }

        func singleValueContainer() -> any SingleValueEncodingContainer { Single(node: self) }
    }

    private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let node: Node
        var codingPath: [any CodingKey] { [] }

        func encodeNil(forKey key: Key) throws { try add(key) { node.output.bytes.append(contentsOf: "null".utf8) } }
        func encode(_ value: String, forKey key: Key) throws { try add(key) { node.output.append(value) } }
        func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { try add(key) { try node.write(value) } }

        private func add(_ key: Key, _ body: () throws -> Void) throws {
            let start = node.output.bytes.count
            try body()
            node.members?.append((node.output.name(key.stringValue), start..<node.output.bytes.count))
        }

        func nestedContainer<Nested>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> { node.container(keyedBy: type) }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { node.unkeyedContainer() }
        func superEncoder() -> any Encoder { node }
        func superEncoder(forKey key: Key) -> any Encoder { node }
    }

    private struct Listed: UnkeyedEncodingContainer {
        let node: Node
        var codingPath: [any CodingKey] { [] }
        var count: Int { node.items ?? 0 }

        func encodeNil() throws { try add { node.output.bytes.append(contentsOf: "null".utf8) } }
        func encode<Value: Encodable>(_ value: Value) throws { try add { try node.write(value) } }

        private func add(_ body: () throws -> Void) throws {
            node.output.bytes.append(count == 0 ? 0x5B : 0x2C)
            try body()
            node.items = count + 1
        }

        func nestedContainer<Nested>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
            node.container(keyedBy: type)
        }
        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { node.unkeyedContainer() }
        func superEncoder() -> any Encoder { node }
    }

    private struct Single: SingleValueEncodingContainer {
        let node: Node
        var codingPath: [any CodingKey] { [] }

        func encodeNil() throws { node.output.bytes.append(contentsOf: "null".utf8) }
        func encode(_ value: String) throws { node.output.append(value) }
        func encode<Value: Encodable>(_ value: Value) throws { try node.write(value) }
    }
}
