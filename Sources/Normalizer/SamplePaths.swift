// SPDX-License-Identifier: Apache-2.0
internal import Events

extension Batch {
    /// What stands at a path of event number `row`. A number in it names an element of an attribute that repeats
    /// (`answers.1.rdata`, from 0); without one the first is meant.
    func text(at path: String, in row: Int) -> String? {
        if let found = text(path, in: row) { return found }
        var names: [String] = []
        var element: UInt32 = 0
        for part in path.pathParts {
            guard let position = Int(part), let field = table.id(names.joined(separator: ".")) else {
                names.append(part)
                continue
            }
            guard table.fields[Int(field)].isArray,
                let place = Entry.element(position, level: table.fields[Int(field)].arrayDepth - 1)
            else { return nil }
            element |= place
        }
        guard names.count < path.pathParts.count, let field = table.id(names.joined(separator: ".")) else { return nil }
        let order = UInt64(field) << 32 | UInt64(element)
        return entries(of: row).first { entries[$0].order == order }.map { text(of: entries[$0]) }
    }
}

extension String {
    /// A path without the numbers of elements.
    var withoutPositions: String {
        contains { $0.isNumber } ? pathParts.filter { Int($0) == nil }.joined(separator: ".") : self
    }
}
