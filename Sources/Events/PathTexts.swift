// SPDX-License-Identifier: Apache-2.0

/// The keys of a table's fields as JSON, ready to be copied: of `metadata.product.name` the text
/// `"metadata":{"product":{"name":`, of which an event needs the part that is not open yet.
struct PathTexts: Sendable {
    /// How a field is written.
    enum Form: UInt8, Sendable {
        /// One value.
        case value
        /// The elements of an array of values, which follow each other.
        case list
        /// An object; members of it may stand on it.
        case container
        /// Objects in arrays and what lies in them: not by a table.
        case nested
    }

    /// A field: a run of ``levels``, one for each container around it and one for itself.
    struct Path: Sendable {
        var first: Int32
        /// Where the text of all its keys begins in ``text``, and its length.
        var key: Int32
        var length: Int32
        /// The container that it lies in, or ``none``.
        var parent: FieldID
        /// The number of containers around the field.
        var depth: Int16
        var form: Form
    }

    /// A container on the way to a field, or the field itself at last.
    struct Level: Sendable {
        /// The fields that lie in it, itself included.
        var low: FieldID
        var high: FieldID
        /// Where its key begins in ``text``.
        var key: Int32
    }

    /// The parent of what lies in none.
    static let none = FieldID.max

    /// Zeros behind ``text``, so that it can be copied in blocks.
    static let slack = 16

    /// The most bytes of the text of one field's keys with the ends of objects before them.
    let longest: Int
    /// By field.
    let paths: [Path]
    let levels: [Level]
    let text: [UInt8]

    init(_ fields: [FieldTable.Field]) {
        var paths: [Path] = []
        var levels: [Level] = []
        var text: [UInt8] = []
        paths.reserveCapacity(fields.count)
        for (number, field) in fields.enumerated() {
            var way = [number]
            while let parent = fields[way[0]].parent { way.insert(Int(parent), at: 0) }
            let isNested = field.arrayDepth > (field.isArray && !field.isContainer ? 1 : 0)
            let first = levels.count
            let start = text.count
            for place in way {
                levels.append(Level(low: FieldID(place), high: fields[place].end, key: Int32(text.count)))
                text += fields[place].key
                if place != number { text.append(0x7B) }
            }
            // Behind the last key: where the whole text ends.
            levels.append(Level(low: 0, high: 0, key: Int32(text.count)))
            paths.append(
                Path(
                    first: Int32(first), key: Int32(start), length: Int32(text.count - start),
                    parent: field.parent ?? PathTexts.none, depth: Int16(field.depth),
                    form: isNested ? .nested : field.isContainer ? .container : field.isArray ? .list : .value))
        }
        longest = (paths.map { Int($0.length) }.max() ?? 0) + 2 * (paths.map { Int($0.depth) }.max() ?? 0)
        self.paths = paths
        self.levels = levels
        self.text = text + Array(repeating: 0, count: PathTexts.slack)
    }
}
