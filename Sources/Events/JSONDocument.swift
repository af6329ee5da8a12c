// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// One parsed JSON text with its bytes: for the places that look into single events, not for lanes.
public struct JSONDocument: Sendable {
    /// The text.
    public let bytes: [UInt8]
    /// Its values.
    public let tape: JSONTape

    /// Parses `bytes`.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        self.bytes = bytes
        var tape = JSONTape(bytes: bytes.count)
        try tape.parse(bytes.span.bytes)
        self.tape = tape
    }

    /// The numbers of all values that a dotted path names: the literal key first, then nested objects, then through
    /// arrays of objects (Sigma's field lookup).
    public func find(_ path: String) -> [Int] {
        guard !tape.values.isEmpty else { return [] }
        var found: [Int] = []
        search(Array(path.utf8), from: 0, in: 0, depth: 0, into: &found)
        return found
    }

    /// The text of the first scalar at a dotted path, or nil.
    public func text(_ path: String) -> String? {
        for index in find(path) {
            switch tape.values[index].kind {
            case .object, .array, .null: continue
            case .string, .number, .yes, .no: return tape.text(index, in: bytes.span.bytes)
            }
        }
        return nil
    }

    /// The texts of all scalars at a dotted path, elements of arrays included.
    public func texts(_ path: String) -> [String] {
        var texts: [String] = []
        for index in find(path) {
            switch tape.values[index].kind {
            case .object, .null: continue
            case .array:
                var child = index + 1
                while child < Int(tape.values[index].next) {
                    if ![.object, .array, .null].contains(tape.values[child].kind) {
                        texts.append(tape.text(child, in: bytes.span.bytes))
                    }
                    child = Int(tape.values[child].next)
                }
            case .string, .number, .yes, .no: texts.append(tape.text(index, in: bytes.span.bytes))
            }
        }
        return texts
    }

    /// The whole number at a dotted path, or nil.
    public func integer(_ path: String) -> Int64? { text(path).flatMap { Int64($0) } }

    /// Looks for the part of `path` from `start` on.
    private func search(_ path: [UInt8], from start: Int, in index: Int, depth: Int, into found: inout [Int]) {
        guard depth < JSONTape.depthLimit else { return }
        let value = tape.values[index]
        switch value.kind {
        case .array:
            var child = index + 1
            while child < Int(value.next) {
                if tape.values[child].kind == .object {
                    search(path, from: start, in: child, depth: depth + 1, into: &found)
                }
                child = Int(tape.values[child].next)
            }
        case .object:
            var child = index + 1
            while child < Int(value.next) {
                if let length = match(path, from: start, keyOf: child) {
                    if start + length == path.count {
                        found.append(child)
                    } else {
                        search(path, from: start + length + 1, in: child, depth: depth + 1, into: &found)
                    }
                }
                child = Int(tape.values[child].next)
            }
        case .string, .number, .yes, .no, .null: break
        }
    }

    /// The length of a value's key when the path from `start` on is it, or goes on behind it.
    private func match(_ path: [UInt8], from start: Int, keyOf child: Int) -> Int? {
        if tape.values[child].isKeyEscaped {
            let key = Array(tape.key(child, in: bytes.span.bytes).utf8)
            return JSONDocument.match(path, from: start, key.span.bytes)
        }
        return JSONDocument.match(path, from: start, bytes.span.bytes.part(tape.values[child].key))
    }

    private static func match(_ path: [UInt8], from start: Int, _ key: RawSpan) -> Int? {
        let (rest, length) = (path.count - start, key.byteCount)
        guard length <= rest, length == rest || path[start + length] == UInt8(ascii: "."),
            path.span.bytes.part(start, length).equals(key)
        else { return nil }
        return length
    }
}
